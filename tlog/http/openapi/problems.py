"""Which refusals each operation has, for `/openapi.json`: by status, with the problem types as `enum` of `type`.

Not said at every operation: what any path may answer without knowing it (no such route, another method, bytes that
are no HTTP). A test compares what is said here with what is answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from tlog import errors
from tlog.http import problem
from tlog.http.errors import BadBody, BadParameter, BodyTimeout, RequestInvalid, UnsupportedMedia

Errors = tuple[type[BaseException], ...]

_ANY: Final[Errors] = (BadParameter, errors.TlogError)
_STORED: Final[Errors] = (errors.Unavailable, errors.StorageFault)
_DAMAGED: Final[Errors] = (errors.VerificationFailed, errors.MalformedDisclosure)
_TOKEN: Final[Errors] = (errors.Unauthorized, errors.ProviderFailed, *_STORED)
_ROLE: Final[Errors] = (*_TOKEN, errors.Forbidden)
_LOGGED: Final[Errors] = (*_ROLE, errors.NotLogged, errors.TooManyRequests)
_UPLOAD: Final[Errors] = (
    *(BadBody, BodyTimeout, UnsupportedMedia),
    *(errors.TooLarge, errors.TooManyRequests, errors.Overloaded),
)
_OBJECT: Final[Errors] = (*_LOGGED, *_UPLOAD, RequestInvalid)
_APPEND: Final[Errors] = (
    *(*_ROLE, *_UPLOAD),
    *(errors.LogHalted, errors.ClockBehind, errors.ConcurrentUpdate),
)
_ACT: Final[Errors] = (errors.LogHalted, errors.ConcurrentUpdate, errors.ClockBehind, *_DAMAGED)
_READ: Final[Errors] = (*_LOGGED, *_DAMAGED, errors.NotFound, errors.BareLeaf, errors.Expired)
_SHARE: Final[Errors] = (errors.TooManyRequests, errors.Overloaded)
_SEARCH: Final[Errors] = (*_LOGGED, *_DAMAGED, *_SHARE, errors.CursorInvalid)
_DECIDE: Final[Errors] = (*_LOGGED, *_ACT, errors.NotFound, errors.Conflict, errors.Held, errors.Damaged)

_OF: Final[dict[str, Errors]] = {
    "appendEntries": (*_APPEND, errors.EntryInvalid, errors.Conflict),
    "findEntries": _SEARCH,
    "searchEntries": (*_SEARCH, *_UPLOAD),
    "addLeaf": (*_APPEND, errors.Malformed, errors.BadRequest),
    "readEntry": _READ,
    "readEntryById": (*_READ, *_SHARE),
    "proofFile": (*_STORED, *_DAMAGED, errors.NotFound, errors.OutOfRange),
    "evidence": (*_READ, *_SHARE, errors.BadRequest, errors.OutOfRange, errors.TooLarge),
    "caseFile": (*_READ, *_SHARE, *_OBJECT, errors.BadRequest, errors.OutOfRange),
    "accesses": (*_LOGGED, *_SHARE, errors.NotFound),
    "searchAccesses": (*_OBJECT, *_SHARE, errors.BadRequest, errors.NotFound),
    "issueToken": (*_OBJECT, *_ACT, errors.BadRequest, errors.Conflict),
    "sources": _LOGGED,
    "tokens": _LOGGED,
    "revokeToken": (*_LOGGED, *_ACT, errors.NotFound, errors.Overloaded),
    "erase": (*_OBJECT, *_ACT, errors.BadRequest, errors.Held, errors.Damaged),
    "erasures": _LOGGED,
    "placeHold": (*_OBJECT, *_ACT, errors.BadRequest),
    "holds": (*_LOGGED, *_DAMAGED),
    "liftHolds": (*_OBJECT, *_ACT, errors.BadRequest, errors.NotFound, errors.Conflict),
    "subjectAccess": (*_OBJECT, *_SHARE, *_ACT, errors.BadRequest, errors.NotFound),
    "retentionPlan": (*_LOGGED, *_SHARE),
    "retentionRun": (*_OBJECT, *_ACT),
    "acts": _LOGGED,
    "act": (*_LOGGED, *_SHARE, errors.NotFound),
    "approveAct": _DECIDE,
    "declineAct": _DECIDE,
    "drillWindow": (*_LOGGED, *_SHARE, errors.NotFound),
    "logDrill": (*_OBJECT, *_ACT),
    "drills": (*_LOGGED, *_DAMAGED, *_SHARE, errors.CursorInvalid),
    "inclusionProof": (*_STORED, *_DAMAGED, errors.NotFound, errors.OutOfRange),
    "consistencyProof": (*_STORED, *_DAMAGED, errors.NotFound, errors.OutOfRange),
    "checkpoints": _STORED,
    "checkpoint": (*_STORED, errors.NotFound),
    "beginOpenIdLogin": (errors.NotFound, errors.ProviderFailed),
    "endOpenIdLogin": (errors.NotFound, errors.ProviderFailed, errors.LoginRefused, errors.Forbidden, errors.NotLogged),
    "entryBundle": (*_STORED, errors.NotFound, errors.MalformedTile),
    "tile": (*_STORED, errors.NotFound, errors.MalformedTile),
}


def problem_responses(operation: str) -> dict[str, Any]:
    """Return the refusals of an operation as OpenAPI responses by status."""
    by_status: dict[int, dict[str, str]] = {}
    for kind in _kinds((*_ANY, *_OF.get(operation, ()))):
        by_status.setdefault(int(kind.status), {})[kind.slug] = kind.title
    return {str(status): _response(status, slugs) for status, slugs in sorted(by_status.items())}


def _kinds(refused: Iterable[type[BaseException]]) -> list[problem.Kind]:
    return [problem.KINDS[error] for error in problem.KINDS if error in set(refused)]


def _response(status: int, slugs: dict[str, str]) -> dict[str, Any]:
    types = {"type": {"enum": [problem.TYPE_PREFIX + slug for slug in slugs]}, "status": {"const": status}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": types}]}
    said = "; ".join(f"{slug}: {title}" for slug, title in slugs.items())
    return {
        "description": f"{HTTPStatus(status).phrase}. {said}",
        "content": {problem.MEDIA_TYPE: {"schema": schema}},
    }

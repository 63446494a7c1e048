"""Errors as answers: RFC 9457 problem details, and the one table from error class to status, type and title.

    {"type": "urn:problem-type:tlog:entry-invalid", "title": "An entry breaks the schema", "status": 400,
     "detail": "2 faults", "errors": [{"path": "[3].actor.id", "detail": "missing; expected a string"}]}

Rules:

* A class that is not in the table has the row of its nearest ancestor.
* `detail` is the error's message; the project's errors never quote personal data. What is no project error
  is answered with a request id only, and logged with that id, its class and where it was raised: its
  message may quote anything.
* No refusal is cached (RFC 9111 would let a cache keep a 404).
"""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from aiohttp import web

from tlog import errors
from tlog.http.errors import BadBody, BadParameter, BodyTimeout, RequestInvalid, UnsupportedMedia

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:problem-type:tlog:"
CHALLENGE: Final = 'Bearer realm="tlog"'

_UNAVAILABLE_RETRY_SECONDS: Final = 5
_logger = structlog.get_logger()
_encode = msgspec.json.Encoder().encode


class Kind(NamedTuple):
    """A row of the table: HTTP status, the end of the type URI, and the title."""

    status: int
    slug: str
    title: str


KINDS: Final[dict[type[BaseException], Kind]] = {
    errors.EntryInvalid: Kind(400, "entry-invalid", "An entry breaks the schema"),
    RequestInvalid: Kind(400, "request-invalid", "The request breaks its schema"),
    BadParameter: Kind(400, "bad-parameter", "A parameter is not acceptable"),
    BadBody: Kind(400, "bad-body", "The request body did not arrive whole"),
    errors.CursorInvalid: Kind(400, "cursor-invalid", "This cursor is not for this look-up"),
    errors.MalformedTile: Kind(404, "no-such-tile", "This path names no tile"),
    errors.LoginRefused: Kind(403, "login-refused", "The login did not end well; begin it again"),
    errors.ProviderFailed: Kind(502, "provider-failed", "The identity provider did not answer as it must"),
    errors.Malformed: Kind(400, "malformed", "The request is not well-formed"),
    errors.BadRequest: Kind(400, "bad-request", "The request is not acceptable"),
    errors.Unauthorized: Kind(401, "unauthorized", "A valid credential is needed"),
    errors.Forbidden: Kind(403, "forbidden", "You may not do that"),
    errors.BareLeaf: Kind(404, "bare-leaf", "The producer of this leaf holds its entry"),
    errors.NotFound: Kind(404, "not-found", "There is no such thing"),
    errors.Expired: Kind(410, "expired", "The entry's retention period is over"),
    errors.OutOfRange: Kind(404, "out-of-range", "Beyond the tree"),
    BodyTimeout: Kind(408, "body-timeout", "The request body took too long"),
    errors.Conflict: Kind(409, "conflict", "The request contradicts what is stored"),
    errors.Held: Kind(409, "held", "A hold protects this; nothing was changed"),
    errors.Damaged: Kind(409, "entry-damaged", "A stored entry is damaged; nothing was changed"),
    errors.TooLarge: Kind(413, "too-large", "The request is over a limit"),
    UnsupportedMedia: Kind(415, "unsupported-media-type", "The request body is in a form not taken here"),
    errors.TooManyRequests: Kind(429, "too-many-requests", "This client asks for more than its share"),
    errors.NotLogged: Kind(503, "not-logged", "What can't be logged is not served"),
    errors.LogHalted: Kind(503, "log-halted", "The log stopped and needs a person"),
    errors.Overloaded: Kind(503, "overloaded", "The log is busy; nothing was stored"),
    errors.Unavailable: Kind(503, "unavailable", "The log cannot answer now"),
    errors.ConcurrentUpdate: Kind(503, "concurrent-update", "Another process changed the log"),
    errors.ClockBehind: Kind(503, "clock-behind", "The log's clock is behind"),
    errors.MalformedDisclosure: Kind(500, "stored-entry-damaged", "The stored entry is damaged"),
    errors.VerificationFailed: Kind(500, "stored-data-damaged", "What is stored does not verify"),
    errors.StorageFault: Kind(500, "storage-fault", "The log's storage failed"),
    errors.TlogError: Kind(500, "internal", "The log failed"),
}


def kind_of(error: BaseException) -> Kind:
    """Return the row of an error's class or of its nearest ancestor."""
    return next(KINDS[kind] for kind in (*type(error).__mro__, errors.TlogError) if kind in KINDS)


def refusal(error: errors.TlogError) -> web.Response:
    """Return the answer for an error of the project."""
    kind = kind_of(error)
    if isinstance(error, errors.EntryInvalid):
        return _answer(kind, f"{_count(error)}; nothing of this request was stored", members=_faults(error.faults))
    if isinstance(error, RequestInvalid):
        return _answer(kind, f"{_faults_of(error.faults)}; nothing was done", members=_faults(error.faults))
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _logger.error("request failed", problem=kind.slug, reason=str(error))
    if isinstance(error, errors.ProviderFailed):
        _logger.warning("the identity provider failed", reason=str(error))
    return _answer(kind, str(error), headers=_headers(error))


def unrouted(error: web.HTTPException) -> web.Response:
    """Return the answer for what aiohttp refuses itself: no such route, another method, a bad Expect header."""
    status = HTTPStatus(error.status)
    slug = "no-such-route" if status == HTTPStatus.NOT_FOUND else status.phrase.lower().replace(" ", "-")
    allow = error.headers.get("Allow")
    detail = f"allowed here: {allow}" if allow else "see /openapi.json for what is served here"
    return _answer(Kind(status, slug, status.phrase), detail, headers={"Allow": allow} if allow else {})


def outside(status: int) -> web.Response:
    """Return the answer for what never became a request: bytes that are not HTTP. It repeats none of them."""
    known = HTTPStatus(status)
    slug = known.phrase.lower().replace(" ", "-")
    return _answer(Kind(known, slug, known.phrase), "this was not understood as an HTTP/1.1 request")


def unexpected(error: Exception) -> web.Response:
    """Log an error that nobody foresaw, without its message, and return an answer that names the log line."""
    request_id = secrets.token_hex(8)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename}:{frame.lineno}"
    _logger.error("request failed unexpectedly", request_id=request_id, error=type(error).__name__, where=where)
    detail = f"an unforeseen fault; the operator finds it in the log under {request_id}"
    return _answer(KINDS[errors.TlogError], detail, members={"request_id": request_id})


def _answer(
    kind: Kind, detail: str, *, members: dict[str, Any] | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    body = {"type": TYPE_PREFIX + kind.slug, "title": kind.title, "status": int(kind.status), "detail": detail}
    return web.Response(
        status=kind.status,
        body=_encode(body | (members or {})),
        content_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store"} | (headers or {}),
    )


def _headers(error: errors.TlogError) -> dict[str, str]:
    if isinstance(error, errors.Overloaded):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, errors.TokenRefused):
        return {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}
    if isinstance(error, errors.Unauthorized):
        return {"WWW-Authenticate": CHALLENGE}
    if isinstance(error, errors.Unavailable) and not isinstance(error, errors.LogHalted):
        return {"Retry-After": str(_UNAVAILABLE_RETRY_SECONDS)}
    return {}


def _count(error: errors.EntryInvalid) -> str:
    count = len(error.faults)
    return f"over {count} faults; the first {count} are listed" if error.more else _faults_of(error.faults)


def _faults_of(faults: Sequence[errors.Fault]) -> str:
    return f"{len(faults)} fault{'s'[: len(faults) != 1]}"


def _faults(faults: Sequence[errors.Fault]) -> dict[str, Any]:
    return {"errors": [{"path": fault.path, "detail": fault.message} for fault in faults]}

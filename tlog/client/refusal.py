"""From an HTTP refusal (RFC 9457 problem details) back to the error that the log raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tlog import errors
from tlog.client.answers import Problem, decode

DEFAULT_RETRY_SECONDS: Final = 1
MAX_RETRY_SECONDS: Final = 60
RETRYABLE_STATUSES: Final = frozenset({408, 429, 502, 503, 504})

_BY_SLUG: Final[Mapping[str, Callable[[str], errors.TlogError]]] = {
    "bare-leaf": errors.BareLeaf,
    "expired": errors.Expired,
    "log-halted": errors.LogHalted,
    "out-of-range": errors.OutOfRange,
}
_BY_STATUS: Final[Mapping[int, Callable[[str], errors.TlogError]]] = {
    400: errors.Malformed,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    408: errors.Unavailable,
    409: errors.Conflict,
    413: errors.TooLarge,
    500: errors.StorageFault,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> errors.TlogError:
    """Return the error that an answer with a status of 300 and up stands for."""
    if status < 400:
        return errors.MalformedAnswer(f"the log's URL answers with a redirect to {headers.get('Location', 'nowhere')}")
    try:
        problem = decode(body, Problem)
    except errors.MalformedAnswer:
        problem = Problem()
    slug = problem.type.rpartition(":")[2]
    message = problem.detail or problem.title or f"HTTP status {status}"
    if slug == "entry-invalid" and problem.errors:
        return errors.EntryInvalid([errors.Fault(item.path, item.detail) for item in problem.errors])
    if slug == "request-invalid" and problem.errors:
        return errors.Malformed("; ".join(f"{item.path or 'the request'}: {item.detail}" for item in problem.errors))
    if status == 429 or slug == "overloaded":
        kind = errors.TooManyRequests if status == 429 else errors.Overloaded
        return kind(message, retry_after(headers) or DEFAULT_RETRY_SECONDS)
    make = _BY_SLUG.get(slug) or _BY_STATUS.get(status) or errors.MalformedAnswer
    return make(message)


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Return the seconds of a Retry-After header, at most a minute; None without one, or for a date."""
    value = headers.get("Retry-After", "")
    return min(int(value), MAX_RETRY_SECONDS) if value.isascii() and value.isdigit() and len(value) < 10 else None


def may_retry(status: int, error: errors.TlogError) -> bool:
    """Whether the same request may be taken later. A halted log needs a person first."""
    return status in RETRYABLE_STATUSES and not isinstance(error, errors.LogHalted)

"""The parameters of a look-up, the same in a query and as members of a JSON object.

    actor_type, actor_id       who acted; together                 subject       whose data, by id
    target_type, target_id     what was acted on; together         correlation   a trace or request id
    action                     that action, or one below it: patient.record also finds patient.record.read
    source, outcome, retention                                     as entries have them
    occurred_from, occurred_to, received_from, received_to         [from, to): RFC 3339 in UTC, or a date
    limit (50, at most 500), cursor (`next` of the page before, with the same filters)

Nothing that is given is repeated in a refusal: it may be personal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import msgspec
from msgspec import Meta

from tlog.audit import fields
from tlog.audit.strict_json import json_fault
from tlog.http.errors import BadParameter
from tlog.http.query import decimal, require_known
from tlog.service.lookup_filters import Filters
from tlog.storage.lookup.conditions import Window

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
MAX_BODY_BYTES: Final = 1 << 16
MAX_CURSOR: Final = 64

TEXTS: Final[Mapping[str, Any]] = {
    "actor_type": fields.TypeName,
    "actor_id": fields.Identifier,
    "subject": fields.Identifier,
    "target_type": fields.TypeName,
    "target_id": fields.Identifier,
    "action": fields.Action,
    "source": fields.SourceName,
    "outcome": fields.Outcome,
    "retention": fields.RetentionClass,
    "correlation": fields.Identifier,
}
TIMES: Final = ("occurred_from", "occurred_to", "received_from", "received_to")
NAMES: Final = (*TEXTS, *TIMES, "limit", "cursor")
TIME_FORM: Final = "an RFC 3339 time in UTC such as 2026-03-01T09:30:00Z, or a date such as 2026-03-01 (its start)"


@dataclass(frozen=True, slots=True)
class Search:
    """One page asked for."""

    filters: Filters
    limit: int
    cursor: str | None


def parse_search(given: Mapping[str, str]) -> Search:
    """Return what the parameters ask for; `given` has names of `NAMES` only. Raises `BadParameter`."""
    texts = {name: parse_text(given[name], name, kind) for name, kind in TEXTS.items() if name in given}
    filters = Filters(
        actor=_pair(texts, "actor"),
        subject=texts.get("subject"),
        target=_pair(texts, "target"),
        action=texts.get("action"),
        source=texts.get("source"),
        outcome=texts.get("outcome"),
        retention=texts.get("retention"),
        correlation=texts.get("correlation"),
        occurred=_window(given, "occurred"),
        received=_window(given, "received"),
    )
    cursor = given.get("cursor")
    if cursor is not None and not 0 < len(cursor) <= MAX_CURSOR:
        raise BadParameter(f"cursor: from 1 to {MAX_CURSOR} characters")
    return Search(filters, decimal(given, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT)), cursor)


def members(body: bytes) -> dict[str, str]:
    """Return the members of a JSON object as parameters; null is the same as left out. Raises `BadParameter`."""
    document = _object(body)
    require_known(document, NAMES, "members")
    return {name: _member(name, value) for name, value in document.items() if value is not None}


def _object(body: bytes) -> dict[str, Any]:
    if fault := json_fault(body):
        raise BadParameter(f"the request body is not acceptable JSON: {fault}")
    document = msgspec.json.decode(body)
    if not isinstance(document, dict):
        raise BadParameter("the request body is not a JSON object")
    return document


def _member(name: str, value: object) -> str:
    if name == "limit":
        if type(value) is not int:
            raise BadParameter("limit: expected an integer")
        return str(value)
    if not isinstance(value, str):
        raise BadParameter(f"{name}: expected a string")
    return value


def parse_text(value: str, name: str, kind: Any) -> str:
    """Return a value that is acceptable as the annotated type `kind`. Raises `BadParameter`."""
    meta = meta_of(kind)
    try:
        text: str = msgspec.convert(value, kind)
        if meta.extra:
            meta.extra["check"](text)
    except ValueError:  # msgspec's ValidationError is one
        raise BadParameter(f"{name}: expected {meta.description}") from None
    return text


def meta_of(kind: Any) -> Meta:
    """Return what an annotated type of `tlog.audit.fields` says of its values."""
    found: Meta = get_args(kind)[1]
    return found


def _pair(texts: Mapping[str, str], what: str) -> tuple[str, str] | None:
    kind, identity = texts.get(f"{what}_type"), texts.get(f"{what}_id")
    if kind is None and identity is None:
        return None
    if kind is None or identity is None:
        missing = "type" if kind is None else "id"
        raise BadParameter(f"{what}_{missing}: missing; give {what}_type and {what}_id together")
    return kind, identity


def _window(given: Mapping[str, str], clock: str) -> Window | None:
    names = (f"{clock}_from", f"{clock}_to")
    return parse_period(given.get(names[0]), given.get(names[1]), names)


def parse_period(start: str | None, end: str | None, names: tuple[str, str]) -> Window | None:
    """Return the window of two times called `names`; None where neither is given. Raises `BadParameter`."""
    first, last = parse_time(start, names[0]), parse_time(end, names[1])
    if first is None and last is None:
        return None
    if first is not None and last is not None and first >= last:
        raise BadParameter(f"{names[1]}: not after {names[0]}; the end of a window is not part of it")
    return Window(first, last)


def parse_time(text: str | None, name: str) -> int | None:
    """Return a time, or the start of a day, in microseconds; None for None. Raises `BadParameter`."""
    if text is None:
        return None
    try:
        instant = f"{text}T00:00:00Z" if len(text) == len("2026-03-01") else text
        return fields.microseconds(msgspec.convert(instant, fields.Instant))
    except ValueError:
        raise BadParameter(f"{name}: expected {TIME_FORM}") from None

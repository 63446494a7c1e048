"""What a form of a page says, as the JSON object that the HTTP interface takes. Pure.

A field that was left empty is left out; `actor.type` is the member `type` of `actor`. The interface then judges it as
it judges everybody's: unknown members, lengths and forms are refused there, not here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from tlog.http.errors import BadParameter

_MAX_DIGITS: Final = 18  # the interface takes numbers below 2^63


def body_of(  # noqa: PLR0913 - what kinds of fields a form has
    fields: Iterable[tuple[str, Any]],
    *,
    numbers: Collection[str] = (),
    flags: Collection[str] = (),
    lists: Collection[str] = (),
    groups: Collection[str] = (),
    ignored: Collection[str] = (),
) -> dict[str, Any]:
    """Return the object of a form's (name, value) pairs.

    `numbers` are integers, `flags` are true where the box is checked, `lists` may come several times, `groups` are the
    objects whose members have a dot in their name. Raises `BadParameter` for a field that comes twice, for a group that
    is none, for an upload, and for a number that is none.
    """
    body: dict[str, Any] = {}
    for name, value in fields:
        if name in ignored or value == "":
            continue
        if not isinstance(value, str):
            raise BadParameter("this form takes no files")
        if name in groups:
            raise BadParameter(f"{name}: this form has its members only")
        _put(body, name, _value(name, value, numbers, flags), groups, several=name in lists)
    return body


def _value(name: str, text: str, numbers: Collection[str], flags: Collection[str]) -> Any:
    if name in flags:
        return text in {"1", "on", "true"}
    if name not in numbers:
        return text.strip() or text
    if not (text.strip().isascii() and text.strip().isdecimal()):
        raise BadParameter(f"{name}: not a whole number")
    if len(text.strip()) > _MAX_DIGITS:
        raise BadParameter(f"{name}: more than {_MAX_DIGITS} digits")
    return int(text)


def _put(body: dict[str, Any], name: str, value: Any, groups: Collection[str], *, several: bool) -> None:
    group, dot, member = name.partition(".")
    place, key = (body.setdefault(group, {}), member) if dot and group in groups else (body, name)
    if several:
        place.setdefault(key, []).append(value)
    elif key in place:
        raise BadParameter("a field of this form came twice")
    else:
        place[key] = value

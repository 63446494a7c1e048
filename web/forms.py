"""What a form of a page says, as the JSON object that the HTTP interface takes. Pure.

A field that was left empty is left out; `actor.type` is the member `type` of `actor`. The interface then judges it as
it judges everybody's: unknown members, lengths and forms are refused there, not here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from tlog.http.errors import BadParameter


def body_of(
    fields: Iterable[tuple[str, Any]],
    *,
    numbers: Collection[str] = (),
    flags: Collection[str] = (),
    lists: Collection[str] = (),
    ignored: Collection[str] = (),
) -> dict[str, Any]:
    """Return the object of a form's (name, value) pairs.

    `numbers` are integers, `flags` are true where the box is checked, `lists` may come several times. Raises
    `BadParameter` for a field that comes twice, for an upload, and for a number that is none.
    """
    body: dict[str, Any] = {}
    for name, value in fields:
        if name in ignored or value == "":
            continue
        if not isinstance(value, str):
            raise BadParameter("this form takes no files")
        _put(body, name, _value(name, value, numbers, flags), several=name in lists)
    return body


def _value(name: str, text: str, numbers: Collection[str], flags: Collection[str]) -> Any:
    if name in flags:
        return text in {"1", "on", "true"}
    if name not in numbers:
        return text.strip() or text
    if not (text.strip().isascii() and text.strip().isdecimal()):
        raise BadParameter(f"{name}: not a whole number")
    return int(text)


def _put(body: dict[str, Any], name: str, value: Any, *, several: bool) -> None:
    group, dot, member = name.partition(".")
    place, key = (body.setdefault(group, {}), member) if dot else (body, name)
    if several:
        place.setdefault(key, []).append(value)
    elif not isinstance(place, dict) or key in place:
        raise BadParameter("a field of this form came twice")
    else:
        place[key] = value

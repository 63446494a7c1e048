"""How the pages write numbers, times and hashes. Pure; the templates' filters."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup, escape

from tlog.audit.printable import printable_lines
from tlog.formats.encoding import b64encode

THIN: Final = "\u202f"  # narrow no-break space: groups digits and means the same in every language
_STEPS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def number(value: int) -> str:
    """Return a number with its digits in groups of three."""
    return f"{value:,}".replace(",", THIN)


def count(value: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def moment(micros: int) -> str:
    """Return a time in microseconds since 1970 for people, to the second, in UTC."""
    return f"{datetime.fromtimestamp(micros // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def machine_time(micros: int) -> str:
    """Return a time in microseconds since 1970 as the `datetime` attribute has it."""
    return f"{datetime.fromtimestamp(micros // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def lasting(seconds: float) -> str:
    """Return a length of time in its largest unit: `3 minutes`."""
    whole = max(int(seconds), 0)
    for size, name in _STEPS:
        if whole >= size or size == 1:
            return count(whole // size, name)
    raise AssertionError


def ago(micros: int, now: int) -> str:
    """Return how long ago a time was; both in microseconds."""
    return "just now" if now - micros < 1_000_000 else f"{lasting((now - micros) / 1_000_000)} ago"


def root_text(value: bytes) -> str:
    """Return a hash as checkpoints write it: standard base64."""
    return b64encode(value)


def short(text: str, length: int = 10) -> str:
    """Return the start of a hash, for pictures."""
    return text if len(text) <= length else f"{text[:length]}…"


def leaf_range(start: int, end: int) -> str:
    """Return a range of leaves in words, from 0, the end included: `0 to 6`."""
    return f"leaf {number(start)}" if end == start + 1 else f"leaves {number(start)} to {number(end - 1)}"


def ticks(text: str) -> Markup:
    """Return a text as HTML in which what stands in `backticks` is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


def clock(text: str) -> str:
    """Return an RFC 3339 time in UTC for people, to the second."""
    return f"{text[:10]} {text[11:19]} UTC"


class Typed(str):
    """What somebody typed, to be sent again as it is."""

    __slots__ = ()


def as_typed(text: object) -> Typed:
    """Return the value of a form's field: shown and sent as it is."""
    return Typed(text)


def visible(value: object) -> object:
    """Return what a template prints: in a text from anywhere, what is invisible or turns its direction, as escapes."""
    if type(value) is not str or value.isprintable():
        return value
    return THIN.join(map(printable_lines, value.split(THIN)))


def json_block(text: str) -> Markup:
    """Return JSON as the content of a script element of type application/json: nothing in it can end the element."""
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)  # noqa: S704 - what could end the element is escaped, as JSON

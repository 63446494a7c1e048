"""Text from outside, shown to people: nothing invisible in it, and nothing that turns the direction of other text."""

from __future__ import annotations

import json
import re
from typing import Final

_ODD: Final = re.compile(r"[^\x20-\x7e\n]+")


def printable(text: str) -> str:
    """Return a line in which what is not printable is written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def printable_lines(text: str) -> str:
    """Return a text of several lines in which what is not printable is written as an escape."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(text: str) -> str:
    """Return JSON in which what is not printable in its strings (C1, bidi, U+2028) is written as JSON escapes."""
    return _ODD.sub(lambda found: "".join(map(_json_escaped, found[0])), text)


def _json_escaped(char: str) -> str:
    if char.isprintable():
        return char
    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]  # json leaves that one control character alone

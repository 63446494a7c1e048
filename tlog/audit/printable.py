"""Text from outside, shown to people: nothing invisible in it, and nothing that turns the direction of other text."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a line in which what is not printable is written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def printable_lines(text: str) -> str:
    """Return a text of several lines in which what is not printable is written as an escape."""
    return "\n".join(map(printable, text.split("\n")))

"""Text from outside, fit to be shown: it cannot drive the operator's terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a line in which what is not printable is written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)

"""Numbers, and what comes next, for people."""

from __future__ import annotations


def counted(number: float, one: str, many: str = "") -> str:
    """Return a number with its noun: "1 entry", "2 entries". `many` is `one` with an s if left out."""
    shown = str(number) if isinstance(number, int) else f"{number:g}"
    return f"{shown} {one}" if number == 1 else f"{shown} {many or one + 's'}"


def waiting(act: str) -> str:
    """Return what happens next to an act that somebody else must agree to."""
    return f"waits for a second person; another one with the right to it must run: tlog act approve {act}"

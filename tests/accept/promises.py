"""The promises as the README states them, and the checks that show them.

A check is a function registered under its promise's slug. It returns a figure for people, or raises
`AssertionError` (or any error) with what it saw. `make accept` runs all of them and prints one line each.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
INTEROP: Final = "public-tools-agree"
"""The one promise that needs other people's tools; `make interop` shows it."""

_ROW = re.compile(r"^\| `(?P<slug>[a-z-]+)` \| (?P<text>.+?) \|$", re.MULTILINE)

Check = Callable[[Path], str]
"""Gets an empty folder of its own; returns the figure."""

CHECKS: dict[str, Check] = {}


def shows(slug: str) -> Callable[[Check], Check]:
    """Register a check as the one that shows this promise."""

    def register(check: Check) -> Check:
        if slug in CHECKS:
            raise ValueError(f"{slug} is shown twice")
        CHECKS[slug] = check
        return check

    return register


def promises() -> dict[str, str]:
    """Return the README's promises by slug, in its order."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return {row["slug"]: row["text"] for row in _ROW.finditer(text)}

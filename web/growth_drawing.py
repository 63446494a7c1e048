"""The growth of the log as a line: tree size over time, from its witnessed checkpoints. Pure.

Coordinates are those of a picture `WIDTH` by `HEIGHT` that may be stretched; texts stand beside it, not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 600
HEIGHT: Final = 150
_TOP: Final = 8


@dataclass(frozen=True, slots=True)
class Growth:
    """The `line` and the `area` under it as path data, and what they show. Times in microseconds."""

    line: str
    area: str
    first_at: int
    last_at: int
    largest: int
    points: tuple[tuple[int, int], ...]


def draw_growth(points: Sequence[tuple[int, int]], now: int) -> Growth | None:
    """Return the drawing of (size, time) by size, up to `now`; None for less than two points or no growth."""
    if len(points) < 2 or points[-1][0] == 0:
        return None
    first_at, largest = points[0][1], points[-1][0]
    last_at = max(now, points[-1][1])
    span = max(last_at - first_at, 1)

    def place(size: int, at: int) -> tuple[float, float]:
        x = WIDTH * min(max(at - first_at, 0), span) / span
        return round(x, 1), round(HEIGHT - (HEIGHT - _TOP) * size / largest, 1)

    corners = [place(size, at) for size, at in points] + [place(largest, last_at)]
    line = "M" + " L".join(f"{x} {y}" for x, y in corners)
    area = f"{line} L{WIDTH} {HEIGHT} L0 {HEIGHT} Z"
    return Growth(line, area, first_at, last_at, largest, tuple(points))

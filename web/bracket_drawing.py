"""Between which times an entry was logged, on a line. Pure.

The line runs from a little before the earlier bound to a little after the later one; the log's own time stands on it
as a mark, which may lie outside of the bracket: then the log's clock was wrong. Positions are per mille of the width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MARGIN: Final = 120


@dataclass(frozen=True, slots=True)
class Bracket:
    """Where the bounds and the log's time stand, and the times themselves in microseconds.

    `after` is None where no witnessed time is known before which it was not logged: the line is open to the left.
    """

    after: int | None
    before: int
    received: int
    after_x: int
    before_x: int
    received_x: int

    @property
    def inside(self) -> bool:
        """Whether the log's own time lies in the bracket, at the witnesses' precision of a second."""
        return (self.after is None or self.after - 1_000_000 <= self.received) and (
            self.received <= self.before + 1_000_000
        )


def draw_bracket(after: int | None, before: int | None, received: int) -> Bracket | None:
    """Return the drawing for times in microseconds; None where no witness bounds the time at all."""
    if before is None:
        return None
    start, end = _MARGIN, 1000 - _MARGIN
    second = received // 1_000_000 * 1_000_000  # as precise as the witnesses' times are
    low = after if after is not None else min(second, before) - 1_000_000
    span = max(before - low, 1)
    place = start + (end - start) * (second - low) // span
    return Bracket(after, before, received, start if after is not None else 0, end, min(max(place, 10), 990))

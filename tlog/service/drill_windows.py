"""The days a drill picks from: around a day, or the oldest where the log has nothing of those."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from tlog.client.drill_desk import DrillWindow
from tlog.errors import NotFound
from tlog.storage.received_ranges import ReceivedRange, ReceivedRanges
from tlog.storage.time_blocks import DAY

_EPOCH: Final = date(1970, 1, 1)


class DrillWindows:
    """Finds windows in what is witnessed: nothing newer can be proved. Methods block."""

    def __init__(self, ranges: ReceivedRanges, witnessed: Callable[[], int]) -> None:
        """`witnessed` returns the size of the witnessed tree."""
        self._ranges = ranges
        self._witnessed = witnessed

    def oldest(self) -> int | None:
        """Return the start of the first day of which there is an entry, in microseconds; None without one."""
        day = self._ranges.oldest_day()
        return None if day is None else day * DAY

    def around(self, day: date, days: int) -> DrillWindow:
        """Return the window of `days` days before and after `day`, or the oldest one that is as long.

        Raises `NotFound` for a log without witnessed entries; what the database does.
        """
        middle, size = (day - _EPOCH).days, max(0, self._witnessed())
        found = self._ranges.between(middle - days, middle + days, size)
        if found is not None:
            return self._window(found, middle - days, middle + days, oldest=False)
        first = self._ranges.oldest_day()
        found = None if first is None else self._ranges.between(first, first + 2 * days, size)
        if first is None or found is None:
            raise NotFound("the log has no witnessed entries to drill")
        return self._window(found, first, first + 2 * days, oldest=True)

    def _window(self, found: ReceivedRange, first_day: int, last_day: int, *, oldest: bool) -> DrillWindow:
        newest = self._ranges.newest_day()
        last_day = last_day if newest is None else max(first_day, min(last_day, newest))  # none is in the future
        return DrillWindow(
            from_day=_day(first_day),
            to_day=_day(last_day),
            first=found.first,
            last=found.end - 1,
            entries=found.end - found.first,
            missing=found.missing,
            first_missing=list(found.first_missing),
            oldest=oldest,
        )


def _day(number: int) -> str:
    """Return a day for people, the calendar's first or last for what is beyond it."""
    return date.fromordinal(min(max(number + _EPOCH.toordinal(), 1), date.max.toordinal())).isoformat()

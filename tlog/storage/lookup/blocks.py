"""Which blocks of indices can hold entries of a time window, newest first (`tlog/storage/time_blocks.py`)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select

from tlog.storage.lookup.conditions import Conditions, Window
from tlog.storage.lookup.stream import number
from tlog.storage.tables import time_blocks
from tlog.storage.time_blocks import DAY, OCCURRED, RECEIVED

MAX_ROWS: Final = 200_000
"""Rows of a window's days above which its blocks are not looked at: so wide a window leaves out too little."""
_CHUNK: Final = 256
_MAX_RUN: Final = 64
_MAX_ROUNDS: Final = 64


class WindowBlocks:
    """The blocks of one window of one clock."""

    def __init__(self, connection: Connection, clock: int, window: Window) -> None:
        self._connection = connection
        self._query = blocks_of(clock, window)
        self._chunk: Sequence[int] = ()  # rising: every block of the window from `_low` to `_high`
        self._low, self._high = 0, -1

    def at_or_below(self, block: int) -> int | None:
        """Return the largest block of the window that is at most `block`."""
        if not self._low <= block <= self._high:
            self._load(block)
        place = bisect_right(self._chunk, block)
        return self._chunk[place - 1] if place else None

    def _load(self, block: int) -> None:
        self._chunk = list(self._connection.execute(self._query, {"at_most": block}).scalars().all())[::-1]
        self._low, self._high = self._chunk[0] if len(self._chunk) == _CHUNK else 0, block


class Blocks:
    """The blocks that can hold entries of all windows of a look-up."""

    def __init__(self, windows: Sequence[WindowBlocks]) -> None:
        self._windows = windows

    def at_or_below(self, block: int) -> int | None:
        """Return a block, at most `block`, above which (up to `block`) no block is in all windows; None: there is
        none at all."""
        for _ in range(_MAX_ROUNDS):
            start = block
            for window in self._windows:
                found = window.at_or_below(block)
                if found is None:
                    return None
                block = found
            if block == start:
                break
        return block

    def run_start(self, block: int) -> int:
        """Return the first block of the unbroken run that ends with `block`; of a long run, a later one."""
        first = block
        while first > 0 and block - first < _MAX_RUN and self.at_or_below(first - 1) == first - 1:
            first -= 1
        return first


def blocks_for(connection: Connection, conditions: Conditions) -> Blocks | None:
    """Return the blocks for the windows of a look-up, None where it has none that help."""
    asked = ((OCCURRED, conditions.occurred), (RECEIVED, conditions.received))
    given = [(clock, window) for clock, window in asked if window is not None]
    helpful = [pair for pair in given if _rows(connection, *pair) <= MAX_ROWS]
    return Blocks([WindowBlocks(connection, *pair) for pair in helpful]) if helpful else None


def _rows(connection: Connection, clock: int, window: Window) -> int:
    some = select(time_blocks.c.block).where(*_days(clock, window)).limit(MAX_ROWS + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def blocks_of(clock: int, window: Window) -> Select[Any]:
    """Return the query of the newest blocks at most `at_most` that can hold times of the window."""
    column = time_blocks.c
    conditions = [*_days(clock, window), column.block <= number("at_most")]
    if window.start is not None:
        conditions.append(column.last >= window.start)
    if window.end is not None:
        conditions.append(column.first < window.end)
    return select(column.block).distinct().where(*conditions).order_by(column.block.desc()).limit(_CHUNK)


def _days(clock: int, window: Window) -> list[ColumnElement[bool]]:
    column = time_blocks.c
    conditions = [column.clock == clock]
    if window.start is not None:
        conditions.append(column.day >= window.start // DAY)
    if window.end is not None:
        conditions.append(column.day <= (window.end - 1) // DAY)
    return conditions

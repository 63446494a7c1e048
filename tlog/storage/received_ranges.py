"""Which indices were received on some days, and how many of them have no row: what a drill picks from.

The days' neighbours bound the range, not the days' own rows: it begins after the last index received before them and
ends before the first one received after them. So a row that was removed, also the first or last of its day, lies
within a range, and is counted as missing. Days are those of `time_blocks`, which knows nothing of bare leaves and
expired entries: they fall into the range around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, func, select

from tlog.storage.database import Database
from tlog.storage.tables import entries, time_blocks
from tlog.storage.time_blocks import BLOCK, DAY, RECEIVED

MAX_NAMED: Final = 10
_RECEIVED: Final = time_blocks.c.clock == RECEIVED


@dataclass(frozen=True, slots=True)
class ReceivedRange:
    """The indices `[first, end)`; `missing` of them have no row, the first ten of which are `first_missing`."""

    first: int
    end: int
    missing: int
    first_missing: tuple[int, ...]


class ReceivedRanges:
    """Reads of the log's database. Methods block; safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def oldest_day(self) -> int | None:
        """Return the first day, in days since 1970, of which there is an entry that has not expired."""
        with self._database.read() as connection:
            return connection.execute(select(func.min(time_blocks.c.day)).where(_RECEIVED)).scalar()

    def newest_day(self) -> int | None:
        """Return the last day, in days since 1970, of which there is an entry that has not expired."""
        with self._database.read() as connection:
            return connection.execute(select(func.max(time_blocks.c.day)).where(_RECEIVED)).scalar()

    def between(self, first_day: int, last_day: int, size: int) -> ReceivedRange | None:
        """Return what was received from one day to another, both included, among the first `size` indices.

        None where that is nothing. Raises `Unavailable` or `StorageFault` as the database fails.
        """
        with self._database.read() as connection:
            first, end = _start(connection, first_day), _end(connection, last_day, size)
            if first is None or first >= end:
                return None
            missing = end - first - _rows(connection, first, end)
            named = _missing(connection, first, end, missing) if missing else ()
            return ReceivedRange(first, end, missing, named)


def _start(connection: Connection, first_day: int) -> int | None:
    """Return the first index of the days from this one on; None where nothing is known of them or what was before."""
    before = _nearest(connection, time_blocks.c.day < first_day, newest=True)
    if before is None:
        return 0 if _nearest(connection, time_blocks.c.day >= first_day) is not None else None
    last = func.max(entries.c.log_index)
    block = int(before.block)
    found = connection.execute(_in_block(last, block, entries.c.received_at < first_day * DAY)).scalar()
    return block * BLOCK if found is None else int(found) + 1


def _end(connection: Connection, last_day: int, size: int) -> int:
    """Return the end of the indices of the days up to this one."""
    after = _nearest(connection, time_blocks.c.day > last_day)
    if after is None:
        return size
    first = func.min(entries.c.log_index)
    block = int(after.block)
    found = connection.execute(_in_block(first, block, entries.c.received_at >= (last_day + 1) * DAY)).scalar()
    return min(size, (block + 1) * BLOCK if found is None else int(found))


def _nearest(connection: Connection, days: ColumnElement[bool], *, newest: bool = False) -> Row[Any, Any] | None:
    """Return the day and block that come last before, or first after, some days."""
    query = select(time_blocks.c.day, time_blocks.c.block).where(_RECEIVED, days).limit(1)
    order = (time_blocks.c.day, time_blocks.c.block)
    return connection.execute(query.order_by(*(column.desc() for column in order) if newest else order)).first()


def _in_block(column: Any, block: int, condition: ColumnElement[bool]) -> Any:
    bounds = (entries.c.log_index >= block * BLOCK, entries.c.log_index < (block + 1) * BLOCK)
    return select(column).where(*bounds, condition)


def _rows(connection: Connection, first: int, end: int) -> int:
    bounds = (entries.c.log_index >= first, entries.c.log_index < end)
    return int(connection.execute(select(func.count()).select_from(entries).where(*bounds)).scalar_one())


def _missing(connection: Connection, first: int, end: int, missing: int) -> tuple[int, ...]:
    """Return the first indices that have no row, found by halving: a count is cheaper than reading the range."""
    found: list[int] = []
    while len(found) < min(missing, MAX_NAMED):
        first = _first_missing(connection, first, end)
        found.append(first)
        first += 1
    return tuple(found)


def _first_missing(connection: Connection, first: int, end: int) -> int:
    while end - first > 1:
        middle = (first + end) // 2
        if _rows(connection, first, middle) < middle - first:
            end = middle
        else:
            first = middle
    return first

"""The coarse index over time: for each clock, day and block of indices, the first and the last time in it.

    day   = floor( microseconds since 1970 / 86,400,000,000 )
    block = floor( index / 1024 )

A live log has about one row for each block and day. A source whose clock is wrong adds rows of its own
and makes nobody else's wider; in the worst case there is a row for each entry, as in any index.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Dialect, func
from sqlalchemy.dialects import postgresql, sqlite

from tlog.storage.bulk_insert import BulkInsert
from tlog.storage.tables import time_blocks

BLOCK: Final = 1024
DAY: Final = 86_400_000_000
OCCURRED: Final = 0
RECEIVED: Final = 1

Span = tuple[int, int]
Spans = dict[tuple[int, int, int], Span]


def spans_of(times: Iterable[tuple[int, int, int]]) -> Spans:
    """Return (first, last) by (clock, day, block) of the (index, occurred_at, received_at) of some entries."""
    spans: Spans = {}
    for index, occurred_at, received_at in times:
        block = index // BLOCK
        for clock, moment in ((OCCURRED, occurred_at), (RECEIVED, received_at)):
            key = (clock, moment // DAY, block)
            span = spans.get(key)
            if span is None:
                spans[key] = (moment, moment)
            elif moment < span[0]:
                spans[key] = (moment, span[1])
            elif moment > span[1]:
                spans[key] = (span[0], moment)
    return spans


class SpanWriter:
    """Widens the stored spans. The statement is written once: it runs in every transaction that appends."""

    def __init__(self, dialect: Dialect) -> None:
        self._upsert = BulkInsert(time_blocks, time_blocks.c.keys(), dialect, _widen(dialect))

    def add(self, connection: Connection, spans: Spans) -> None:
        """Make the stored spans cover these; within the caller's transaction."""
        self._upsert.execute(connection, [(*key, *span) for key, span in sorted(spans.items())])


def _widen(dialect: Dialect) -> Any:
    insert: Any = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    least, greatest = (func.min, func.max) if dialect.name == "sqlite" else (func.least, func.greatest)
    statement = insert(time_blocks)
    new, old = statement.excluded, time_blocks.c
    return statement.on_conflict_do_update(
        index_elements=[old.clock, old.day, old.block],
        set_={"first": least(old.first, new.first), "last": greatest(old.last, new.last)},
    )

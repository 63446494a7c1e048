"""How many entries there are of each cohort: a month at a time, however many cohorts it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, func, null, select

from tlog.storage.database import Database
from tlog.storage.log_store import many
from tlog.storage.tables import entries, facets, time_blocks
from tlog.storage.time_blocks import BLOCK, DAY, RECEIVED

_BLOCKS: Final = 64

Named = tuple[str, str | None]
"""A retention class, and the name of the cohort that an entry was moved to, None where it is in that of its month."""


class CohortCounts:
    """Counts entries by cohort. Methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self, start: int, end: int, *, moved: bool) -> Counter[Named]:
        """Return how many entries received in [start, end), a month in microseconds, each cohort has.

        Where none can have been `moved`, an index says it all.
        """
        cohort = entries.c.cohort if moved else null().label("cohort")
        query = select(facets.c.retention, cohort, func.count().label("found"))
        query = query.group_by(facets.c.retention, *([entries.c.cohort] if moved else []))
        found: Counter[Named] = Counter()
        for rows in self._pages(query, start, end):
            for row in rows:
                found[row.retention, row.cohort] += row.found
        return found

    def indices(self, start: int, end: int) -> Iterator[dict[int, Named]]:
        """Yield, in pages, which cohort each of these entries is in."""
        for rows in self._pages(select(entries.c.log_index, facets.c.retention, entries.c.cohort), start, end):
            yield {row.log_index: (row.retention, row.cohort) for row in rows}

    def _pages(self, query: Select[Any], start: int, end: int) -> Iterator[Sequence[Row[Any]]]:
        query = query.select_from(entries.join(facets, facets.c.facet == entries.c.facet))
        query = query.where(entries.c.received_at >= start, entries.c.received_at < end)
        for blocks in many(self._blocks(start, end), _BLOCKS):
            first, last = blocks[0] * BLOCK, (blocks[-1] + 1) * BLOCK
            with self._database.read() as connection:
                page = connection.execute(query.where(entries.c.log_index >= first, entries.c.log_index < last)).all()
            yield page

    def _blocks(self, start: int, end: int) -> list[int]:
        days = (time_blocks.c.day >= start // DAY, time_blocks.c.day < -(-end // DAY))
        query = select(time_blocks.c.block).distinct().where(time_blocks.c.clock == RECEIVED, *days)
        with self._database.read() as connection:
            return sorted(connection.execute(query).scalars())

"""The numbers (`seq`) that each source gave its entries: which are here, and which are missing in between.

Everything is read from the unique index over (source, seq) and the one over facets, never from rows. Methods block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select, union_all

from tlog.storage.database import Database
from tlog.storage.tables import entries, facets

_RANGES: Final = 50


class SourceEnds(NamedTuple):
    """A source's smallest and largest number, and when the last logged of its entries came (microseconds)."""

    source: str
    first_seq: int
    last_seq: int
    last_received_at: int


class Gap(NamedTuple):
    """Numbers from `first` to `last` that no entry has."""

    first: int
    last: int


class SequenceStore:
    """Reads of the log's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ends(self) -> list[SourceEnds]:
        """Return every source that has an entry here, by name."""
        last = (
            select(entries.c.log_index)
            .where(entries.c.facet == facets.c.facet)
            .order_by(entries.c.log_index.desc())
            .limit(1)
            .scalar_subquery()
        )
        newest: dict[str, int] = {}
        with self._database.read() as connection:
            for source, index in connection.execute(select(facets.c.source, last)):
                if index is not None:
                    newest[source] = max(index, newest.get(source, 0))
            found = [_ends(connection, source, newest[source]) for source in sorted(newest)]
        return [ends for ends in found if ends is not None]

    def gaps(self, source: str, start: int, end: int, limit: int) -> list[Gap]:
        """Return up to `limit` gaps between the numbers of a source from `start` to `end`, both of which are here.

        Costs as much as there are numbers in between.
        """
        before = func.lag(entries.c.seq).over(order_by=entries.c.seq)
        numbers = select(entries.c.seq, before.label("before")).where(
            entries.c.source == source, entries.c.seq >= start, entries.c.seq <= end
        )
        found = numbers.subquery()
        query = select(found.c.before, found.c.seq).where(found.c.seq > found.c.before + 1).order_by(found.c.seq)
        with self._database.read() as connection:
            return [Gap(before + 1, seq - 1) for before, seq in connection.execute(query.limit(limit))]

    def arrived(self, source: str, gaps: Sequence[Gap]) -> list[int]:
        """Return, in order, the numbers within these gaps that entries have by now."""
        found: list[int] = []
        with self._database.read() as connection:
            for start in range(0, len(gaps), _RANGES):
                # One select for each gap: of a disjunction SQLite reads every number of the source.
                within = [
                    select(entries.c.seq).where(entries.c.source == source, entries.c.seq.between(gap.first, gap.last))
                    for gap in gaps[start : start + _RANGES]
                ]
                found += connection.execute(union_all(*within)).scalars()
        return sorted(found)

    def received(self, source: str, seqs: Sequence[int]) -> dict[int, int]:
        """Return when the entries with these numbers came, in microseconds, by number. At most some hundreds."""
        query = select(entries.c.seq, entries.c.received_at).where(
            entries.c.source == source, entries.c.seq.in_(list(seqs))
        )
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}


def _ends(connection: Connection, source: str, newest: int) -> SourceEnds | None:
    of_source = entries.c.source == source
    first = connection.execute(select(func.min(entries.c.seq)).where(of_source)).scalar()
    last = connection.execute(select(func.max(entries.c.seq)).where(of_source)).scalar()
    received = connection.execute(select(entries.c.received_at).where(entries.c.log_index == newest)).scalar()
    return None if first is None or last is None else SourceEnds(source, first, last, received or 0)

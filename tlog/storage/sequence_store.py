"""The numbers (`seq`) that each source gave its entries: which are here, and which are missing in between.

Everything is read from the unique index over (source, seq) and the one over facets, never from rows. Methods block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select

from tlog.storage.database import Database
from tlog.storage.tables import entries, facets


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
        numbers = select(func.min(entries.c.seq), func.max(entries.c.seq))
        newest = select(entries.c.log_index, entries.c.received_at).order_by(entries.c.log_index.desc()).limit(1)
        found: dict[str, list[tuple[int, int]]] = {}
        with self._database.read() as connection:
            for facet, source in connection.execute(select(facets.c.facet, facets.c.source)).all():
                last = connection.execute(newest.where(entries.c.facet == facet)).first()
                if last is not None:
                    found.setdefault(source, []).append((last[0], last[1]))
            ends = []
            for source in sorted(found):
                first, largest = connection.execute(numbers.where(entries.c.source == source)).one()
                if first is not None:
                    ends.append(SourceEnds(source, first, largest, max(found[source])[1]))
        return ends

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

    def received(self, source: str, seqs: Sequence[int]) -> dict[int, int]:
        """Return when the entries with these numbers came, in microseconds, by number. At most some hundreds."""
        query = select(entries.c.seq, entries.c.received_at).where(
            entries.c.source == source, entries.c.seq.in_(list(seqs))
        )
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

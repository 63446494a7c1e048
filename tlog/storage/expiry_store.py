"""The rows of one cohort: find them block by block, move the held ones, shrink the others to index and leaf.

A cohort's rows lie in the blocks in which `time_blocks` has days of its month. Each transaction takes one block, so
that appends never wait for long; a crash in between leaves a cohort half shrunk, and the next run goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, update

from tlog.storage.cohort_sizes import SizeWriter, cohort_in_row
from tlog.storage.database import Database
from tlog.storage.index_terms import unpack_terms
from tlog.storage.log_store import many
from tlog.storage.tables import entries, facets, personal, terms, time_blocks
from tlog.storage.time_blocks import BLOCK, DAY, OCCURRED, RECEIVED, SpanWriter, spans_of

_ROWS = 500
_GONE = ("entry_id", "source", "seq", "occurred_at", "received_at", "facet", "core", "shared", "terms", "cohort")


@dataclass(frozen=True, slots=True)
class CohortRows:
    """Which rows are of a cohort: class, [start, end) of its month in microseconds, and the name it was moved to."""

    retention: str
    start: int
    end: int
    moved_to: str | None

    @property
    def cohort(self) -> str:
        """The name of the cohort."""
        return cohort_in_row(self.moved_to, self.retention, self.start)


@dataclass(frozen=True, slots=True)
class MovedRow:
    """An entry's parts sealed under another cohort's key; `personal` are (part, ciphertext)."""

    index: int
    core: bytes
    shared: bytes | None
    personal: Sequence[tuple[int, bytes]]


class ExpiryStore:
    """Reads and writes of cohorts. Methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spans = SpanWriter(database.engine.dialect)
        self._sizes = SizeWriter(database.engine.dialect)

    def blocks(self, rows: CohortRows) -> list[int]:
        """Return the blocks that may hold rows of a cohort, in ascending order."""
        query = (
            select(time_blocks.c.block)
            .distinct()
            .where(
                time_blocks.c.clock == RECEIVED,
                time_blocks.c.day >= rows.start // DAY,
                time_blocks.c.day < -(-rows.end // DAY),
            )
        )
        with self._database.read() as connection:
            return sorted(connection.execute(query).scalars())

    def indices(self, rows: CohortRows, block: int) -> list[int]:
        """Return the indices of a cohort's rows in a block."""
        with self._database.read() as connection:
            return list(connection.execute(_of(rows, block, entries.c.log_index)).scalars())

    def move(self, rows: Sequence[MovedRow], cohort: str) -> None:
        """Store parts sealed under the key of another cohort, in one transaction. Moving them again is harmless."""
        with self._database.write() as connection:
            self._sizes.add(connection, _moved_sizes(connection, [row.index for row in rows], cohort))
            for row in rows:
                here = entries.c.log_index == row.index
                values = {"core": row.core, "shared": row.shared, "cohort": cohort}
                connection.execute(update(entries).where(here).values(**values))
                for part, ciphertext in row.personal:
                    place = (personal.c.log_index == row.index, personal.c.part == part)
                    connection.execute(update(personal).where(*place).values(ciphertext=ciphertext))

    def shrink(self, rows: CohortRows, block: int, act: int, kept: Collection[int] = ()) -> int:
        """Shrink a cohort's rows of one block, but those `kept`, to index, leaf and act. Returns how many."""
        columns = (entries.c.log_index, entries.c.occurred_at, entries.c.received_at, entries.c.terms)
        with self._database.write() as connection:
            found = [row for row in connection.execute(_of(rows, block, *columns)) if row.log_index not in kept]
            if not found:
                return 0
            _delete_terms(connection, [(term, row.log_index) for row in found for term in unpack_terms(row.terms)])
            for some in many([row.log_index for row in found], _ROWS):
                connection.execute(delete(personal).where(personal.c.log_index.in_(some)))
                gone: dict[str, Any] = dict.fromkeys(_GONE)
                connection.execute(
                    update(entries).where(entries.c.log_index.in_(some)).values(**gone, shared_act=None, act=act)
                )
            days = {(OCCURRED, row.occurred_at // DAY) for row in found}
            self._narrow(connection, block, days | {(RECEIVED, row.received_at // DAY) for row in found})
            self._sizes.add(connection, {rows.cohort: -len(found)})
            return len(found)

    def _narrow(self, connection: Connection, block: int, days: Collection[tuple[int, int]]) -> None:
        """Let these days of a block say what its remaining rows have."""
        here = (entries.c.log_index >= block * BLOCK, entries.c.log_index < (block + 1) * BLOCK)
        query = select(entries.c.log_index, entries.c.occurred_at, entries.c.received_at)
        left = connection.execute(query.where(*here, entries.c.entry_id.is_not(None)))
        spans = spans_of((row.log_index, row.occurred_at, row.received_at) for row in left)
        gone = delete(time_blocks).where(
            time_blocks.c.clock == bindparam("at_clock"),
            time_blocks.c.day == bindparam("at_day"),
            time_blocks.c.block == block,
        )
        connection.execute(gone, [{"at_clock": clock, "at_day": day} for clock, day in sorted(days)])
        self._spans.add(connection, {key: span for key, span in spans.items() if key[:2] in days})


def _moved_sizes(connection: Connection, indices: Sequence[int], cohort: str) -> Counter[str]:
    """Return how sizes change when these entries move to a cohort; those that are in it already change nothing."""
    query = select(entries.c.cohort, facets.c.retention, entries.c.received_at).join_from(
        entries, facets, facets.c.facet == entries.c.facet
    )
    changes: Counter[str] = Counter()
    for some in many(indices, _ROWS):
        for row in connection.execute(query.where(entries.c.log_index.in_(some))):
            changes[cohort_in_row(*row)] -= 1
            changes[cohort] += 1
    return changes


def _of(rows: CohortRows, block: int, *columns: Any) -> Select[Any]:
    of_class = select(facets.c.facet).where(facets.c.retention == rows.retention)
    moved = entries.c.cohort.is_(None) if rows.moved_to is None else entries.c.cohort == rows.moved_to
    return (
        select(*columns)
        .where(
            entries.c.log_index >= block * BLOCK,
            entries.c.log_index < (block + 1) * BLOCK,
            entries.c.received_at >= rows.start,
            entries.c.received_at < rows.end,
            entries.c.facet.in_(of_class),
            moved,
        )
        .order_by(entries.c.log_index)
    )


def _delete_terms(connection: Connection, found: Sequence[tuple[int, int]]) -> None:
    gone = delete(terms).where(terms.c.term == bindparam("old_term"), terms.c.log_index == bindparam("at"))
    for some in many(found, _ROWS):
        connection.execute(gone, [{"old_term": term, "at": index} for term, index in some])

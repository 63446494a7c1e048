"""Rows that holds may cover, found from the hold's side: few of them, however many entries there are.

A person's and a case's entries are listed. Those of a whole source or a time are counted by an index, unless listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, or_, select, true

from tlog.storage.cohort_sizes import cohort_in_row, counted_sizes, sizes_in
from tlog.storage.database import Database
from tlog.storage.log_store import many
from tlog.storage.tables import entries, facets, personal, terms

_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class Stretch:
    """All entries of a source, or of all, that happened in [start, end), microseconds; None is open."""

    source: str | None
    start: int | None
    end: int | None


class HeldRows:
    """Reads of the log's database. Methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_person(self, key_id: int) -> list[int]:
        """Return the entries of which somebody is a subject, in ascending order."""
        here = (personal.c.key_id == key_id, personal.c.part > 0)
        return self._indices(select(personal.c.log_index).distinct().where(*here))

    def of_terms(self, wanted: Collection[int]) -> list[int]:
        """Return the entries that have one of these blind terms, in ascending order."""
        return self._indices(select(terms.c.log_index).distinct().where(terms.c.term.in_(sorted(wanted))))

    def cohorts(self, indices: Sequence[int]) -> Counter[str]:
        """Return how many of these entries each cohort has; expired ones have none."""
        query = select(entries.c.cohort, facets.c.retention, entries.c.received_at).join_from(
            entries, facets, facets.c.facet == entries.c.facet
        )
        found: Counter[str] = Counter()
        with self._database.read() as connection:
            for some in many(indices, _ROWS):
                found.update(
                    cohort_in_row(*row) for row in connection.execute(query.where(entries.c.log_index.in_(some)))
                )
        return found

    def stretches(self, wanted: Collection[Stretch]) -> Counter[str]:
        """Return how many entries each cohort has that lie in at least one of these. Reads an index of all that do."""
        with self._database.read() as connection:
            moved = any("+" in name for name in sizes_in(connection))
            return counted_sizes(connection, or_(*map(_lies_in, wanted)), moved=moved) if wanted else Counter()

    def _indices(self, query: Select[int]) -> list[int]:
        with self._database.read() as connection:
            return sorted(connection.execute(query).scalars())


def _lies_in(stretch: Stretch) -> ColumnElement[bool]:
    of_source = select(facets.c.facet).where(facets.c.source == stretch.source)
    happened = entries.c.occurred_at
    return and_(
        true() if stretch.source is None else entries.c.facet.in_(of_source),
        true() if stretch.start is None else happened >= stretch.start,
        true() if stretch.end is None else happened < stretch.end,
    )

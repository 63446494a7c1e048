"""How many entries each cohort has: kept by whatever changes it, in the same transaction, so that nobody has to count.

Appending adds, moving takes from one and adds to another, expiry takes away. A cohort of which nothing is left has no
row. `tlog fsck` compares with the entries themselves, and `tlog migrate` counts them anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Dialect, delete, func, insert, literal_column, null, select
from sqlalchemy.dialects import postgresql, sqlite

from tlog.audit.cohort import cohort_of
from tlog.storage.bulk_insert import BulkInsert
from tlog.storage.database import Database
from tlog.storage.tables import acts, cohort_sizes, entries, facets

# Whole seconds, floored: SQL's own division rounds towards zero, which is another month before 1970.
_SECONDS: Final = "((received_at - ((received_at % 1000000) + 1000000) % 1000000) / 1000000)"
_MONTHS: Final = {
    "sqlite": f"strftime('%Y-%m', {_SECONDS}, 'unixepoch')",
    "postgresql": f"to_char(to_timestamp({_SECONDS}) AT TIME ZONE 'UTC', 'YYYY-MM')",
}


TIMES: Final = "INDEXED BY ix_entries_times"
"""SQLite reads times and facets from there: rows are some hundred bytes each."""


class SizeWriter:
    """Changes the stored sizes. The statement is written once: it runs in every transaction that appends."""

    def __init__(self, dialect: Dialect) -> None:
        self._upsert = BulkInsert(cohort_sizes, cohort_sizes.c.keys(), dialect, _add(dialect))

    def add(self, connection: Connection, changes: Mapping[str, int]) -> None:
        """Add to the sizes of cohorts, by name, what may be negative; within the caller's transaction."""
        changed = [(name, change) for name, change in sorted(changes.items()) if change]
        self._upsert.execute(connection, changed)
        if any(change < 0 for _, change in changed):
            connection.execute(delete(cohort_sizes).where(cohort_sizes.c.entries == 0))


def stored_sizes(database: Database) -> Counter[str]:
    """Return how many entries each cohort has. Blocks."""
    with database.read() as connection:
        return sizes_in(connection)


def sizes_in(connection: Connection) -> Counter[str]:
    """Do what `stored_sizes` does, within the caller's transaction."""
    return Counter(dict(map(tuple, connection.execute(select(cohort_sizes.c.cohort, cohort_sizes.c.entries)))))


def counted_sizes(
    connection: Connection, *conditions: ColumnElement[bool], moved: bool = True, seeking: bool = False
) -> Counter[str]:
    """Count the entries of each cohort that meet the conditions.

    An index says it all where none can be `moved`: for `seeking` a few by their number, SQLite is told which.
    """
    cohort = entries.c.cohort if moved else null().label("cohort")
    month: ColumnElement[str] = literal_column(_MONTHS[connection.dialect.name])
    one = select(entries.c.facet, cohort, month.label("month"), func.count().label("found"))
    one = one.where(entries.c.facet.is_not(None), *conditions).group_by(entries.c.facet, month, *_only(moved))
    found = (one.with_hint(entries, TIMES, "sqlite") if seeking and not moved else one).subquery()
    name = func.coalesce(found.c.cohort, facets.c.retention + "/" + found.c.month)
    named = select(name.label("cohort"), func.sum(found.c.found).label("entries")).group_by(name)
    rows = connection.execute(named.join_from(found, facets, facets.c.facet == found.c.facet))
    return Counter({row.cohort: int(row.entries) for row in rows})


def recount(database: Database) -> None:
    """Store the sizes that the entries have. Blocks; doing it again changes nothing."""
    with database.write() as connection:
        expired = connection.execute(select(acts.c.act).where(acts.c.kind == "expiry").limit(1)).first()
        sizes = counted_sizes(connection, moved=expired is not None)  # nothing else moves entries
        rows = [{"cohort": name, "entries": found} for name, found in sorted(sizes.items())]
        connection.execute(delete(cohort_sizes))
        if rows:
            connection.execute(insert(cohort_sizes), rows)


def cohort_in_row(cohort: str | None, retention: str, received_at: int) -> str:
    """Return the name of an entry's cohort; in its row stands one only where the entry was moved."""
    return cohort or cohort_of(retention, received_at)


def _only(moved: bool) -> list[ColumnElement[Any]]:
    return [entries.c.cohort] if moved else []


def _add(dialect: Dialect) -> Any:
    make: Any = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    statement = make(cohort_sizes)
    total = cohort_sizes.c.entries + statement.excluded.entries
    return statement.on_conflict_do_update(index_elements=[cohort_sizes.c.cohort], set_={"entries": total})

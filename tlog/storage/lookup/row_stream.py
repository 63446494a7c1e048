"""Rows of `entries` themselves: walk them backwards where no index narrows a look-up, and check what only they know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from tlog.storage.lookup.conditions import Conditions
from tlog.storage.lookup.facet_stream import FacetChoice
from tlog.storage.lookup.stream import number
from tlog.storage.tables import entries, facets

_place = entries.c.log_index
ROWS = (
    select(_place)
    .where(number("start") <= _place, number("end") > _place)
    .order_by(_place.desc())
    .limit(number("limit"))
)


class RowStream:
    """Every row, bare leaves and expired entries too: `RowCheck` leaves those out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest_below(self, end: int) -> int | None:
        """Return the largest index below `end`."""
        found = self.below(0, end, 1)
        return found[0] if found else None

    def below(self, start: int, end: int, limit: int) -> list[int]:
        """Return the largest indices within `[start, end)`, newest first."""
        bounds = {"start": start, "end": end, "limit": limit}
        return list(self._connection.execute(ROWS, bounds).scalars().all())

    def among(self, indices: Sequence[int]) -> set[int]:
        """Return all of them."""
        return set(indices)


class RowCheck:
    """What must be true of the row of a candidate: its times, and its facet where there are too many to seek by."""

    def __init__(self, connection: Connection, conditions: Conditions, facet_choice: FacetChoice | None) -> None:
        """`facet_choice`: the facets to check here, None where a stream does it."""
        self._connection = connection
        self._choice = facet_choice
        self._query = rows_in_time(conditions)

    def matching(self, indices: Sequence[int]) -> list[int]:
        """Return those of `indices`, which fall and are not none, that match, in their order."""
        low, high = indices[-1], indices[0]
        # One range costs less than a seek for each row, unless it holds far more rows.
        is_dense = high - low < 4 * len(indices)
        where = _place.between(low, high) if is_dense else _place.in_(indices)
        rows: dict[int, int] = {row[0]: row[1] for row in self._connection.execute(self._query.where(where)).all()}
        wanted = self._wanted(set(rows.values()))
        return [index for index in indices if rows.get(index) in wanted]

    def _wanted(self, found: set[int]) -> set[int]:
        if self._choice is None or not found:
            return found
        query = select(facets.c.facet).where(facets.c.facet.in_(found), self._choice.matches)
        return set(self._connection.execute(query).scalars().all())


def rows_in_time(conditions: Conditions) -> Select[Any]:
    """Return the query of the index and facet of entries within the windows: neither bare leaves nor expired ones."""
    parts: list[ColumnElement[bool]] = [entries.c.facet.is_not(None)]
    for column, window in ((entries.c.occurred_at, conditions.occurred), (entries.c.received_at, conditions.received)):
        if window is not None and window.start is not None:
            parts.append(column >= window.start)
        if window is not None and window.end is not None:
            parts.append(column < window.end)
    # NOT INDEXED leaves SQLite the rowid: the facet's index knows nothing of times.
    return select(_place, entries.c.facet).where(*parts).with_hint(entries, "NOT INDEXED", "sqlite")

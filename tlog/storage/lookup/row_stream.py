"""Rows of `entries` themselves: walk them backwards where no index narrows a look-up, and check what only they know."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

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
TIMES = select(_place, entries.c.facet, entries.c.occurred_at, entries.c.received_at).where(
    _place.in_(bindparam("indices", expanding=True))
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
        return list(self._connection.execute(ROWS, bounds).scalars())

    def among(self, indices: Sequence[int]) -> set[int]:
        """Return all of them."""
        return set(indices)


class RowCheck:
    """What must be true of the row of a candidate: its times, and its facet where there are too many to seek by."""

    def __init__(self, connection: Connection, conditions: Conditions, facet_choice: FacetChoice | None) -> None:
        """`facet_choice`: the facets to check here, None where a stream does it."""
        self._connection = connection
        self._conditions = conditions
        self._choice = facet_choice

    def matching(self, indices: Sequence[int]) -> list[int]:
        """Return those of `indices` that match, in their order."""
        rows = {row[0]: row for row in self._connection.execute(TIMES, {"indices": indices})}
        facets_found = {row.facet for row in rows.values() if row.facet is not None}
        wanted = self._wanted(facets_found)
        return [i for i in indices if i in rows and rows[i].facet in wanted and self._in_time(*rows[i][2:])]

    def _wanted(self, found: set[int]) -> set[int]:
        if self._choice is None or not found:
            return found
        query = select(facets.c.facet).where(facets.c.facet.in_(found), self._choice.matches)
        return set(self._connection.execute(query).scalars())

    def _in_time(self, occurred_at: int, received_at: int) -> bool:
        occurred, received = self._conditions.occurred, self._conditions.received
        return (occurred is None or occurred.holds(occurred_at)) and (received is None or received.holds(received_at))

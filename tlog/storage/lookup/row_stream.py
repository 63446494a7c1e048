"""What only the rows of `entries` know, times above all: walk them backwards, or check candidates of other streams.

Both read `ix_entries_times` alone, which repeats times and facet in a thirtieth of a row's bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from tlog.storage.lookup.conditions import Conditions
from tlog.storage.lookup.facet_stream import FacetChoice, in_time
from tlog.storage.lookup.stream import number
from tlog.storage.tables import entries, facets

_place = entries.c.log_index
_INDEX: Final = "INDEXED BY ix_entries_times"
_BOUNDS: Final = (number("start") <= _place, number("end") > _place)


class Rows:
    """The entries within the windows, and of the facets where some are asked for.

    As a stream it walks all rows between its bounds: whoever drives by it keeps them within `widest`. It leaves
    out bare leaves and expired entries.
    """

    widest: Final = 1 << 16

    def __init__(self, connection: Connection, conditions: Conditions, choice: FacetChoice | None) -> None:
        """`choice`: the facets asked for, None if all are."""
        self._connection = connection
        self._choice = choice
        self._check = rows_in_time(conditions)
        self._walk = _walk(conditions, choice)
        self._verdicts: dict[int, bool] = {}

    def newest_below(self, end: int) -> int | None:
        """Return the largest index below `end` of any row, whatever its time."""
        newest: int | None = self._connection.execute(NEWEST, {"end": end}).scalar()
        return newest

    def below(self, start: int, end: int, limit: int) -> list[int]:
        """Return the largest matching indices within `[start, end)`, newest first."""
        bounds = {"start": start, "end": end, "limit": limit}
        return list(self._connection.execute(self._walk, bounds).scalars().all())

    def among(self, indices: Sequence[int]) -> set[int]:
        """Return those of `indices`, which fall and are not none, that match."""
        return set(self.matching(indices))

    def narrowed(self) -> Rows:
        """Return the rows: they are within the windows anyway."""
        return self

    def matching(self, indices: Sequence[int]) -> list[int]:
        """Return those of `indices`, which fall and are not none, that match, in their order."""
        low, high = indices[-1], indices[0]
        # One range costs less than a seek for each row, unless it holds far more rows.
        is_dense = high - low < 4 * len(indices)
        where = _place.between(low, high) if is_dense else _place.in_(indices)
        rows: dict[int, int] = {row[0]: row[1] for row in self._connection.execute(self._check.where(where)).all()}
        if self._choice is None:
            return [index for index in indices if index in rows]
        self._judge(self._choice, set(rows.values()))
        return [index for index in indices if index in rows and self._verdicts[rows[index]]]

    def _judge(self, choice: FacetChoice, found: set[int]) -> None:
        unknown = found - self._verdicts.keys()
        if unknown:
            query = select(facets.c.facet).where(facets.c.facet.in_(unknown), choice.matches)
            wanted = set(self._connection.execute(query).scalars().all())
            self._verdicts |= {facet: facet in wanted for facet in unknown}


NEWEST: Final = select(_place).where(number("end") > _place).order_by(_place.desc()).limit(1)


def _walk(conditions: Conditions, choice: FacetChoice | None) -> Select[Any]:
    query = select(_place).where(*_BOUNDS, entries.c.facet.is_not(None), *in_time(conditions))
    if choice is not None:
        # An expression: a bare column would have SQLite go through the index once for each facet, and sort.
        query = query.where((entries.c.facet + 0).in_(choice.members()))
    return query.order_by(_place.desc()).limit(number("limit")).with_hint(entries, _INDEX, "sqlite")


def rows_in_time(conditions: Conditions) -> Select[Any]:
    """Return the query of the index and facet of entries within the windows: neither bare leaves nor expired ones."""
    query = select(_place, entries.c.facet).where(entries.c.facet.is_not(None), *in_time(conditions))
    return query.with_hint(entries, _INDEX, "sqlite")

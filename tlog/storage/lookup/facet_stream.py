"""Entries by source, action, outcome and retention class: the merged streams of the facets that match.

One facet is one stream. Of several, the indices within a piece of the log are read unsorted, by one seek for each
facet, and sorted here. The piece is narrowed until it holds at most `_PIECE` of them, and widened where they are rare,
so neither many facets nor rare ones make a step long. Empty stretches are jumped over.

Everything is read from `ix_entries_facet`, which has the times too: within a window, what does not belong to it is
passed over without leaving the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, true

from tlog.storage.lookup.conditions import Conditions
from tlog.storage.lookup.stream import newest_first, newest_first_sqlite, number
from tlog.storage.roles import OWN_SOURCE
from tlog.storage.tables import entries, facets

FEW_FACETS: Final = 512
_LISTED: Final = 64
_SEEKS: Final = 8
_PIECE: Final = 1000
_FIRST_WIDTH: Final = 4096
_STEP: Final = 16
_WIDEST: Final = 1 << 40
_INDEX: Final = "INDEXED BY ix_entries_facet"


class FacetChoice:
    """The facets that match; `numbers` are all of them if they are few, `count` never exceeds `FEW_FACETS` + 1."""

    def __init__(self, connection: Connection, conditions: Conditions) -> None:
        self.matches = facet_condition(conditions)
        query = select(facets.c.facet).where(self.matches).limit(FEW_FACETS + 1)
        self.numbers: list[int] = list(connection.execute(query).scalars())
        self.are_few = len(self.numbers) <= FEW_FACETS

    def members(self) -> Any:
        """Return them as what may stand after IN."""
        return self.numbers if len(self.numbers) <= _LISTED else select(facets.c.facet).where(self.matches)


def facet_condition(conditions: Conditions) -> ColumnElement[bool]:
    """Return what `facets` must satisfy."""
    equal = {"source": conditions.source, "outcome": conditions.outcome, "retention": conditions.retention}
    parts = [facets.c[name] == value for name, value in equal.items() if value is not None]
    if conditions.action is not None:
        below = conditions.action + "."
        # Neither LIKE (its _ and its case) nor a range (its collation) compares the same in both databases.
        under = func.substr(facets.c.action, 1, len(below)) == below
        parts.append(or_(facets.c.action == conditions.action, under))
    scope = {"source": conditions.scope.sources, "retention": conditions.scope.classes}
    parts += [facets.c[name].in_(sorted(names)) for name, names in scope.items() if names is not None]
    if not conditions.scope.own:
        parts.append(facets.c.source != OWN_SOURCE)
    return and_(true(), *parts)


def in_time(conditions: Conditions) -> list[ColumnElement[bool]]:
    """Return what must be true of the times of `entries`."""
    parts: list[ColumnElement[bool]] = []
    for column, window in ((entries.c.occurred_at, conditions.occurred), (entries.c.received_at, conditions.received)):
        if window is not None and window.start is not None:
            parts.append(column >= window.start)
        if window is not None and window.end is not None:
            parts.append(column < window.end)
    return parts


class FacetStream:
    """The entries of some facets; `narrowed`, those within the windows."""

    def __init__(
        self,
        connection: Connection,
        choice: FacetChoice,
        conditions: Conditions,
        times: Sequence[ColumnElement[bool]] = (),
    ) -> None:
        """`times` is what must be true of an entry's times; nothing unless it is the narrowed stream."""
        self._connection = connection
        self._choice = choice
        self._conditions = conditions
        self._times = times
        self._sqlite = connection.dialect.name == "sqlite"
        self._newest = self._newest_query()
        self._one = ONE_FACET[self._sqlite].where(*times)
        self._width = _FIRST_WIDTH

    def narrowed(self) -> FacetStream:
        """Return the entries within the windows. Bounds must be close together: outside of the windows it finds none,
        however long it looks."""
        return FacetStream(self._connection, self._choice, self._conditions, in_time(self._conditions))

    def newest_below(self, end: int) -> int | None:
        """Return the largest index below `end`: one seek for each facet."""
        found: int | None = self._connection.execute(self._newest, {"start": 0, "end": end, "limit": 1}).scalar()
        return found

    def below(self, start: int, end: int, limit: int) -> list[int]:
        """Return the largest indices within `[start, end)`, newest first."""
        if len(self._choice.numbers) == 1:
            bounds = {"value": self._choice.numbers[0], "start": start, "end": end, "limit": limit}
            return list(self._connection.execute(self._one, bounds).scalars().all())
        found: list[int] = []
        while len(found) < limit and end > start:
            piece, end = self._piece(start, end)
            found += piece
        return found[:limit]

    def among(self, indices: Sequence[int]) -> set[int]:
        """Return those of `indices` whose facet is one of them."""
        query = select(entries.c.log_index).where(entries.c.facet.in_(self._choice.members()))
        query = query.where(entries.c.log_index.in_(indices), *self._times)
        if len(self._choice.numbers) <= _SEEKS:
            query = self._hinted(query)
        else:  # by the rows: a seek for each facet and each index would be too many
            query = query.with_hint(entries, "NOT INDEXED", "sqlite")
        return set(self._connection.execute(query).scalars().all())

    def _piece(self, start: int, end: int) -> tuple[list[int], int]:
        """Return all indices within `[reached, end)`, newest first, and `reached`."""
        low = max(start, end - self._width)
        found = self._within(low, end)
        while len(found) > _PIECE:
            self._width = max(_PIECE, (end - low) // _STEP)
            low = max(start, end - self._width)
            found = self._within(low, end)
        self._width = _fitting(end - low, len(found))
        if not found and low > start:
            newest = self.newest_below(low)
            low = start if newest is None else max(start, newest + 1)
        return sorted(found, reverse=True), low

    def _within(self, low: int, end: int) -> list[int]:
        place = entries.c.log_index
        query = self._hinted(
            select(place).where(entries.c.facet.in_(self._choice.members()), place >= low, place < end, *self._times)
        )
        return list(self._connection.execute(query.limit(_PIECE + 1)).scalars().all())

    def _newest_query(self) -> Select[Any]:
        one_facet = newest_first_sqlite if self._sqlite else newest_first
        chosen = self._choice.matches
        if len(self._choice.numbers) <= _LISTED:
            chosen = facets.c.facet.in_(self._choice.numbers)
        newest = self._hinted(one_facet(entries.c.facet, entries.c.log_index, facets.c.facet)).correlate(facets)
        return select(func.max(newest.scalar_subquery())).select_from(facets).where(chosen)

    def _hinted(self, query: Select[Any]) -> Select[Any]:
        return query.with_hint(entries, _INDEX, "sqlite")


def _fitting(width: int, found: int) -> int:
    """Return the width that would hold half of `_PIECE`, after one with this many; at most `_STEP` times as wide."""
    wider = width * _PIECE // (2 * max(found, 1))
    return max(_PIECE, min(wider, width * _STEP, _WIDEST))


_FACET = (entries.c.facet, entries.c.log_index, number("value"))
ONE_FACET = {
    True: newest_first_sqlite(*_FACET).with_hint(entries, _INDEX, "sqlite"),
    False: newest_first(*_FACET),
}

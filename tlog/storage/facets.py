"""Facets: each combination of source, action, outcome and retention class that occurs has one number."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, and_, insert, or_, select

from tlog.storage.tables import facets


class Facet(NamedTuple):
    """What stands in clear about an entry and is the same for many."""

    source: str
    action: str
    outcome: str
    retention: str


_COLUMNS = tuple(facets.c[name] for name in Facet._fields)
_LOOKUP_ROWS = 100
_CACHED = 10_000


class FacetNumbers:
    """Numbers by facet, made where missing. What a transaction made is believed only once it committed.

    Belongs to the one thread that appends.
    """

    def __init__(self) -> None:
        self._known: dict[Facet, int] = {}
        self._unconfirmed: dict[Facet, int] = {}

    def numbers(self, connection: Connection, wanted: Collection[Facet]) -> dict[Facet, int]:
        """Return the number of each facet, within the caller's transaction. Call `confirm` or `forget` after it."""
        missing = [facet for facet in wanted if facet not in self._known and facet not in self._unconfirmed]
        for start in range(0, len(missing), _LOOKUP_ROWS):
            self._find_or_make(connection, missing[start : start + _LOOKUP_ROWS])
        return {facet: self._known.get(facet) or self._unconfirmed[facet] for facet in wanted}

    def confirm(self) -> None:
        """The transaction committed."""
        if self._unconfirmed:
            if len(self._known) > _CACHED:
                self._known.clear()
            self._known |= self._unconfirmed
            self._unconfirmed = {}

    def forget(self) -> None:
        """The transaction did not commit, or another one may have removed a facet that nothing uses any more."""
        self._known.clear()
        self._unconfirmed.clear()

    def _find_or_make(self, connection: Connection, wanted: list[Facet]) -> None:
        one_of = or_(*(and_(*(c == v for c, v in zip(_COLUMNS, facet, strict=True))) for facet in wanted))
        for number, *facet in connection.execute(select(facets.c.facet, *_COLUMNS).where(one_of)):
            self._unconfirmed[Facet(*facet)] = number
        for new in wanted:
            if new not in self._unconfirmed:
                made = connection.execute(insert(facets).values(new._asdict()))
                assert made.inserted_primary_key is not None  # noqa: S101 - an autoincrement key
                self._unconfirmed[new] = made.inserted_primary_key[0]

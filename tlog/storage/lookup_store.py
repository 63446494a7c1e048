"""Look-up: the indices of the entries that match, newest logged first, a page at a time.

A page is one read transaction. What it may cost is bounded by `Budget`, so it may be short, even empty, and still
have more after it. Paging is by index: it is stable while entries are appended. Bare leaves and expired entries are
never found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from sqlalchemy import Connection, select

from tlog.storage.database import Database
from tlog.storage.lookup.blocks import blocks_for
from tlog.storage.lookup.conditions import Conditions
from tlog.storage.lookup.facet_stream import FacetChoice, FacetStream
from tlog.storage.lookup.row_stream import Rows
from tlog.storage.lookup.scan import Budget, Places, Scan
from tlog.storage.lookup.stream import PERSONS, TERMS, Stream, ValueStream
from tlog.storage.roles import EVERYTHING
from tlog.storage.tables import entries, facets, terms

MAX_CANDIDATES: Final = 20_000
MAX_SECONDS: Final = 0.05
_NOTHING: Final = Places([], None, 0)
_TOP: Final = 1 << 62
_TERMS: Final = 500


class LookUpStore:
    """Finds entries. Methods block; safe to use from several threads."""

    def __init__(
        self,
        database: Database,
        max_candidates: int = MAX_CANDIDATES,
        max_seconds: float = MAX_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`max_candidates` and `max_seconds` (on `clock`) bound the work of one page."""
        self._database = database
        self._budget = Budget(max_candidates, max_seconds, clock)

    def page(self, conditions: Conditions, below: int | None, limit: int) -> Places:
        """Return the newest `limit` entries that match and whose index is less than `below` (None: all).

        Raises `Unavailable` or `StorageFault` as the database fails.
        """
        end = _TOP if below is None else below
        with self._database.read() as connection:
            choice = FacetChoice(connection, conditions)
            if end <= 0 or not choice.numbers:
                return _NOTHING
            streams, rows = _plan(connection, conditions, choice)
            scan = Scan(streams, rows, self._budget)
            return scan.page(end, limit, lambda: blocks_for(connection, conditions))

    def with_any_term(self, wanted: Sequence[int], source: str, below: int, limit: int) -> list[int]:
        """Return the largest `limit` indices below `below` of a source's entries that have one of these terms."""
        found: set[int] = set()
        of_source = entries.c.facet.in_(select(facets.c.facet).where(facets.c.source == source))
        with self._database.read() as connection:
            for start in range(0, len(wanted), _TERMS):
                some = list(wanted[start : start + _TERMS])
                query = select(terms.c.log_index).join(entries, entries.c.log_index == terms.c.log_index)
                query = query.where(terms.c.term.in_(some), terms.c.log_index < below, of_source).distinct()
                rows = connection.execute(query.order_by(terms.c.log_index.desc()).limit(limit))
                found.update(rows.scalars())
        return sorted(found, reverse=True)[:limit]


def _plan(connection: Connection, conditions: Conditions, choice: FacetChoice) -> tuple[list[Stream], Rows | None]:
    streams: list[Stream] = [ValueStream(connection, PERSONS, person) for person in conditions.persons]
    streams += [ValueStream(connection, TERMS, term) for term in conditions.terms]
    by_facet = _asks_for_facets(conditions)
    in_time = conditions.occurred is not None or conditions.received is not None
    # Many facets are many seeks for each step: beside another stream, or instead of one, the rows are asked.
    if choice.are_few and (by_facet or not (streams or in_time)):
        streams.append(FacetStream(connection, choice, conditions))
    if in_time or not streams or (by_facet and not choice.are_few):
        return streams, Rows(connection, conditions, choice if by_facet else None)
    return streams, None


def _asks_for_facets(conditions: Conditions) -> bool:
    asked = (conditions.source, conditions.action, conditions.outcome, conditions.retention)
    return any(asked) or conditions.scope != EVERYTHING

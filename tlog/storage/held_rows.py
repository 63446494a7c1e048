"""How many rows of each cohort holds cover, found from the holds' side: what is held is little, what is kept is much.

The entries of a person or a case are found by their index. Those of a whole source or time are counted by an index
over times, and not again with the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select, true, union

from tlog.storage.cohort_sizes import TIMES, counted_sizes, sizes_in
from tlog.storage.database import Database
from tlog.storage.tables import entries, facets, personal, terms


@dataclass(frozen=True, slots=True)
class HeldScope:
    """What a hold covers: every given one of subject's key, source, [start, end) of `occurred_at`, and blind terms."""

    key_id: int | None
    source: str | None
    start: int | None
    end: int | None
    terms: frozenset[int] | None

    @property
    def is_wide(self) -> bool:
        """Whether neither a person nor a case narrows it."""
        return self.key_id is None and self.terms is None


class HeldRows:
    """Reads of the log's database. Methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, scopes: Sequence[HeldScope], start: int, end: int) -> Counter[str]:
        """Return how many entries each cohort has that lie in at least one of these scopes, by its name: of those that
        were received in [start, end), microseconds."""
        received = (entries.c.received_at >= start, entries.c.received_at < end)
        wide = [_stretch(scope) for scope in scopes if scope.is_wide]
        narrow = [_listed(scope) for scope in scopes if not scope.is_wide]
        found: Counter[str] = Counter()
        with self._database.read() as connection:
            moved = any("+" in name for name in sizes_in(connection))
            if wide:
                found += counted_sizes(connection, or_(*wide), *received, moved=moved)
            if narrow:
                listed = entries.c.log_index.in_(union(*narrow).subquery().select())
                others = not_(or_(false(), *wide))
                found += counted_sizes(connection, listed, others, *received, moved=moved, seeking=True)
        return found


def _listed(scope: HeldScope) -> Select[tuple[int]]:
    """Return the entries of a scope that a person or a case narrows."""
    of_person = select(personal.c.log_index).where(personal.c.key_id == scope.key_id, personal.c.part > 0)
    of_case = select(terms.c.log_index).where(terms.c.term.in_(sorted(scope.terms or ())))
    named = [of_person] * (scope.key_id is not None) + [of_case] * (scope.terms is not None)
    if len(named) == 1 and (scope.source, scope.start, scope.end) == (None, None, None):
        return named[0]
    found = [entries.c.log_index.in_(one) for one in named]
    return select(entries.c.log_index).where(*found, _stretch(scope)).with_hint(entries, TIMES, "sqlite")


def _stretch(scope: HeldScope) -> ColumnElement[bool]:
    """Return what the source and the time of a scope ask."""
    of_source = select(facets.c.facet).where(facets.c.source == scope.source)
    happened = entries.c.occurred_at
    return and_(
        true() if scope.source is None else entries.c.facet.in_(of_source),
        true() if scope.start is None else happened >= scope.start,
        true() if scope.end is None else happened < scope.end,
    )

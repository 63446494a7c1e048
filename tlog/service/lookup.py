"""Look-up: from what somebody asks for to opened entries, newest logged first.

People are found by the keyring's keyed hash, targets and correlation ids by blind terms. Looking up somebody whom the
log does not know makes no key; it finds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tlog.audit.opened import OpenedEntry
from tlog.errors import Expired, NotFound, TlogError
from tlog.keys.keyring import Keyring, actor_identity
from tlog.service.entries import EntryReader
from tlog.service.hold_extent import HoldExtent, extent
from tlog.service.lookup_cursor import Cursors
from tlog.service.lookup_filters import Filters
from tlog.storage.hold_store import Hold
from tlog.storage.log_store import LogStore, StoredEntry
from tlog.storage.lookup.conditions import Conditions
from tlog.storage.lookup_store import LookUpStore
from tlog.storage.roles import EVERYTHING, RowScope

_CURSOR_TERM = "\0look-up cursor"  # no target has such a type: it would be a control character


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a page: its row, and what could be read of it or why nothing could."""

    stored: StoredEntry
    opened: OpenedEntry | TlogError


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first; `next` is the cursor of the page after, None at the end.

    `scanned` is how many candidates were looked at. `lost` are indices that match and whose row is not there, or is
    none of a sealed entry any more, which no act of the log does.
    """

    entries: list[Found]
    next: str | None
    scanned: int
    lost: tuple[int, ...] = ()


class LookUp:
    """Looks entries up. Methods block; safe to use from several threads."""

    def __init__(self, lookup_store: LookUpStore, store: LogStore, reader: EntryReader, keyring: Keyring) -> None:
        self._lookup_store = lookup_store
        self._store = store
        self._reader = reader
        self._keyring = keyring
        self._cursors = Cursors(lambda text: keyring.target_term(_CURSOR_TERM, text))

    def page(self, filters: Filters, cursor: str | None, limit: int, scope: RowScope = EVERYTHING) -> Page:
        """Return the newest `limit` entries within `scope` that match, from where `cursor` points on.

        A page may be short, or empty, and still have a `next`: the work of one page is bounded. Raises
        `CursorInvalid`; `Unavailable` or `StorageFault` as the databases fail.
        """
        below = None if cursor is None else self._cursors.read(cursor, filters, scope)
        conditions = self._conditions(filters, scope)
        if conditions is None:
            return Page([], None, 0)
        places = self._lookup_store.page(conditions, below, limit)
        following = None if places.next is None else self._cursors.make(places.next, filters, scope)
        rows = self._store.entries_at(places.indices)
        lost = tuple(index for index in places.indices if index not in rows or _is_emptied(rows[index]))
        return Page(self._open(places.indices, rows, filters), following, places.scanned, lost)

    def person_keys(self, filters: Filters) -> tuple[int, ...] | None:
        """Return the numbers of the keys under which the persons asked for are known now; None where one is not.

        Raises as `page` does.
        """
        conditions = self._conditions(filters, EVERYTHING)
        return None if conditions is None else conditions.persons

    def subject_key(self, subject: str) -> int | None:
        """Return the number of the key under which a data subject is known by this id; None where nobody is."""
        return self._keyring.find_person("subject", subject)

    def covered(self, hold: Hold, case: str) -> HoldExtent:
        """Count what a hold of this case covers now. Raises as `page` does."""
        return extent(self._lookup_store, self._keyring, hold, case)

    def _conditions(self, filters: Filters, scope: RowScope) -> Conditions | None:
        """Return what to ask of the database; None where a person is asked for whom the log does not know."""
        asked = []
        if filters.actor is not None:
            asked.append(self._keyring.find_person("actor", actor_identity(*filters.actor)))
        if filters.subject is not None:
            asked.append(self._keyring.find_person("subject", filters.subject))
        persons = tuple(key_id for key_id in asked if key_id is not None)
        if len(persons) < len(asked):
            return None
        return Conditions(
            persons,
            self._terms(filters),
            filters.source,
            filters.action,
            filters.outcome,
            filters.retention,
            filters.occurred,
            filters.received,
            scope,
        )

    def _terms(self, filters: Filters) -> tuple[int, ...]:
        target = () if filters.target is None else (self._keyring.target_term(*filters.target),)
        if filters.correlation is None:
            return target
        return (*target, self._keyring.correlation_term(filters.correlation))

    def _open(self, indices: list[int], rows: Mapping[int, StoredEntry], filters: Filters) -> list[Found]:
        # A row may have expired since it was found.
        found = [rows[index] for index in indices if index in rows and rows[index].columns["entry_id"] is not None]
        opened = zip(found, self._reader.open_all(found), strict=True)
        return [Found(row, entry) for row, entry in opened if _shows(entry, filters)]


def _is_emptied(row: StoredEntry) -> bool:
    return row.columns["entry_id"] is None and row.columns["act"] is None


def _shows(opened: OpenedEntry | TlogError, filters: Filters) -> bool:
    if isinstance(opened, TlogError):
        return not isinstance(opened, Expired | NotFound)
    return filters.agree_with(opened.entry)

"""Who looked: the log's own entries that showed an entry, or anything about a person.

A person's are found by way of their entries: first these, by the person's key, then whatever showed one of them, by
the blind term of its index; and what looked the person up by name, by the blind term of their key's number. Nothing of
who was looked at is stored with who looked. Targets of others' entries are never candidates, so nobody fills a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tlog.audit.opened import OpenedEntry
from tlog.errors import TlogError
from tlog.keys.keyring import Keyring
from tlog.service.access_log import ENTRY, PERSON
from tlog.service.entries import EntryReader
from tlog.storage.log_store import LogStore, StoredEntry
from tlog.storage.lookup.conditions import Conditions
from tlog.storage.lookup_store import LookUpStore
from tlog.storage.roles import EVERYTHING, OWN_SOURCE, RowScope

MAX_ENTRIES: Final = 10_000
"""So many entries of one person are followed; beyond, the answer says that there are more."""
_PAGE: Final = 500
_TOP: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class FoundAccess:
    """An own entry of the log, which of the entries asked about it showed, and whether it looked the person up."""

    stored: StoredEntry
    opened: OpenedEntry
    shown: tuple[int, ...]
    by_name: bool


@dataclass(frozen=True, slots=True)
class AccessesFound:
    """A page, newest first. `next` bounds the following one, None at the end. `entries` were followed;
    `or_more`: the person has others, which were not."""

    accesses: list[FoundAccess]
    next: int | None
    entries: int
    or_more: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked about: entries by index, and a person by the number of their key, who was looked up in own entries
    that `scope` covers."""

    entries: frozenset[int]
    person: int | None = None
    scope: RowScope = field(default=EVERYTHING)
    or_more: bool = False

    def targets(self) -> list[tuple[str, str]]:
        """Return the targets of own entries that answer it."""
        by_name = self.person is not None and self.scope.own and self.scope.sources is None
        return [*((ENTRY, str(index)) for index in self.entries), *[(PERSON, str(self.person))] * by_name]

    def looked_up(self, row: StoredEntry, opened: OpenedEntry) -> bool:
        """Tell whether an own entry looked the person up."""
        named = self.person is not None and str(self.person) in _named(opened, PERSON)
        return named and self.scope.covers(OWN_SOURCE, row.columns["retention"])

    def shown(self, opened: OpenedEntry) -> tuple[int, ...]:
        """Return which of the entries an own entry showed."""
        return tuple(int(text) for text in _named(opened, ENTRY) if text.isdecimal() and int(text) in self.entries)


class Accesses:
    """Finds who looked. Methods block; safe to use from several threads."""

    def __init__(self, lookup: LookUpStore, store: LogStore, reader: EntryReader, keyring: Keyring) -> None:
        self._lookup = lookup
        self._store = store
        self._reader = reader
        self._keyring = keyring

    def of_entry(self, index: int, below: int | None, limit: int) -> AccessesFound:
        """Return who looked at an entry, in own entries below an index."""
        return self._page(_Asked(frozenset({index})), below, limit)

    def of_subject(self, subject: str, below: int | None, limit: int, scope: RowScope = EVERYTHING) -> AccessesFound:
        """Return who looked at anything about a person within `scope`, or looked them up by name."""
        key_id = self._keyring.find_person("subject", subject)
        if key_id is None:
            return AccessesFound([], None, 0, False)
        theirs = Conditions(persons=(key_id,), scope=replace(scope, own=False))
        found, or_more = self._followed(theirs)
        return self._page(_Asked(frozenset(found), key_id, scope, or_more), below, limit)

    def _followed(self, conditions: Conditions) -> tuple[list[int], bool]:
        found: list[int] = []
        below: int | None = None
        while len(found) < MAX_ENTRIES:
            page = self._lookup.page(conditions, below, _PAGE)
            found += page.indices
            below = page.next
            if below is None:
                return found, False
        return found, True

    def _page(self, asked: _Asked, below: int | None, limit: int) -> AccessesFound:
        terms = [self._keyring.target_term(*target) for target in asked.targets()]
        indices = self._lookup.with_any_term(terms, OWN_SOURCE, _TOP if below is None else below, limit + 1)
        following = indices[limit - 1] if len(indices) > limit else None
        return AccessesFound(self._open(indices[:limit], asked), following, len(asked.entries), asked.or_more)

    def _open(self, indices: Sequence[int], asked: _Asked) -> list[FoundAccess]:
        rows = self._store.entries_at(indices)
        own = [rows[index] for index in indices if index in rows and rows[index].columns["source"] == OWN_SOURCE]
        made = []
        for row, opened in zip(own, self._reader.open_all(own), strict=True):
            if isinstance(opened, TlogError):
                continue  # fsck says so; that somebody looked can't be read any more
            shown, by_name = asked.shown(opened), asked.looked_up(row, opened)
            if shown or by_name:  # else another target has the same blind term
                made.append(FoundAccess(row, opened, shown, by_name))
        return made


def _named(opened: OpenedEntry, kind: str) -> list[str]:
    return [target["id"] for target in opened.entry.get("targets") or () if target["type"] == kind]

"""Who looked: the log's own entries that showed an entry, or anything about a person.

A person's are found by way of their entries: first these, by the person's key, then whatever showed one of them, by
the blind term of its index; and what looked the person up by name, of which they are a subject themselves. Nothing of
who was looked at is stored with who looked. Targets of others' entries are never candidates, so nobody fills a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from tlog.audit.opened import OpenedEntry
from tlog.errors import TlogError
from tlog.keys.keyring import Keyring
from tlog.service.access_log import ENTRY
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


class Accesses:
    """Finds who looked. Methods block; safe to use from several threads."""

    def __init__(self, lookup: LookUpStore, store: LogStore, reader: EntryReader, keyring: Keyring) -> None:
        self._lookup = lookup
        self._store = store
        self._reader = reader
        self._keyring = keyring

    def of_entry(self, index: int, below: int | None, limit: int) -> AccessesFound:
        """Return who looked at an entry, in own entries below an index."""
        return self._page({index}, set(), below, limit, or_more=False)

    def of_subject(self, subject: str, below: int | None, limit: int, scope: RowScope = EVERYTHING) -> AccessesFound:
        """Return who looked at anything about a person within `scope`, or looked them up by name."""
        key_id = self._keyring.find_person("subject", subject)
        if key_id is None:
            return AccessesFound([], None, 0, False)
        theirs = Conditions(persons=(key_id,), scope=replace(scope, own=False))
        found, or_more = self._followed(theirs)
        # Apart, so that who is looked up again and again keeps their entries among those that are followed.
        by_name, others = self._followed(Conditions(persons=(key_id,), source=OWN_SOURCE, scope=scope))
        return self._page(set(found), set(by_name), below, limit, or_more=or_more or others)

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

    def _page(
        self, entries: set[int], by_name: set[int], below: int | None, limit: int, *, or_more: bool
    ) -> AccessesFound:
        end = _TOP if below is None else below
        terms = [self._keyring.target_term(ENTRY, str(index)) for index in entries]
        showing = self._lookup.with_any_term(terms, OWN_SOURCE, end, limit + 1)
        candidates = {*showing, *(index for index in by_name if index < end)}
        indices = sorted(candidates, reverse=True)[: limit + 1]
        following = indices[limit - 1] if len(indices) > limit else None
        accesses = self._open(indices[:limit], entries, by_name)
        return AccessesFound(accesses, following, len(entries), or_more)

    def _open(self, indices: Sequence[int], entries: set[int], by_name: set[int]) -> list[FoundAccess]:
        rows = self._store.entries_at(indices)
        own = [rows[index] for index in indices if index in rows and rows[index].columns["source"] == OWN_SOURCE]
        made = []
        for row, opened in zip(own, self._reader.open_all(own), strict=True):
            if isinstance(opened, TlogError):
                continue  # fsck says so; that somebody looked can't be read any more
            shown = _shown(opened, entries)
            if shown or row.index in by_name:  # else another target has the same blind term
                made.append(FoundAccess(row, opened, shown, row.index in by_name))
        return made


def _shown(opened: OpenedEntry, entries: set[int]) -> tuple[int, ...]:
    named = [t["id"] for t in opened.entry.get("targets") or () if t["type"] == ENTRY]
    return tuple(int(text) for text in named if text.isdecimal() and int(text) in entries)

"""Compute the blind index terms of entries that were stored before there were any.

Runs on a stopped log, in pages, each in one transaction: a crash leaves whole pages done, and the next run goes on
with what is missing. An entry that can't be opened keeps none; `tlog fsck` says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, update

from tlog.audit.opened import OpenedEntry
from tlog.keys.keyring import Keyring
from tlog.service.entries import EntryReader
from tlog.storage.database import Database
from tlog.storage.index_terms import pack_terms
from tlog.storage.log_store import LogStore, many
from tlog.storage.tables import entries, terms

_PAGE = 500
_MISSING = entries.c.terms.is_(None) & entries.c.entry_id.is_not(None)

Progress = Callable[[int, int], None]
"""Told (how many are done, how many there are)."""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """How many entries have terms now that had none, and how many could not be opened."""

    computed: int
    unreadable: int


def compute_missing_terms(database: Database, keyring: Keyring, progress: Progress) -> Reindexed:
    """Give terms to every sealed entry that has none. Blocks; doing it again changes nothing.

    Raises `StorageFault`, `Unavailable`, and what a key-encryption provider raises that is out of reach.
    """
    store = LogStore(database)
    reader = EntryReader(store, keyring)
    total = count_missing_terms(database)
    computed = unreadable = 0
    after = -1
    while indices := _page(database, after):
        found = _terms(store, reader, keyring, indices)
        with database.write() as connection:
            _store(connection, found)
        computed += len(found)
        unreadable += len(indices) - len(found)
        after = indices[-1]
        progress(computed + unreadable, total)
    return Reindexed(computed, unreadable)


def count_missing_terms(database: Database) -> int:
    """Return how many sealed entries have no index terms yet."""
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(entries).where(_MISSING)).scalar_one())


def _page(database: Database, after: int) -> list[int]:
    index = entries.c.log_index
    query = select(index).where(_MISSING, index > after).order_by(index).limit(_PAGE)
    with database.read() as connection:
        return list(connection.execute(query).scalars())


def _terms(
    store: LogStore, reader: EntryReader, keyring: Keyring, indices: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    rows = list(store.entries_at(indices).values())
    opened = zip(rows, reader.open_all(rows), strict=True)
    return {row.index: keyring.terms_of_document(one.entry) for row, one in opened if isinstance(one, OpenedEntry)}


def _store(connection: Connection, found: Mapping[int, tuple[int, ...]]) -> None:
    packed = [{"at": index, "packed": pack_terms(some)} for index, some in found.items()]
    one = entries.c.log_index == bindparam("at")
    for some in many(packed, _PAGE):
        connection.execute(update(entries).where(one).values(terms=bindparam("packed")), some)
    rows = [{"term": term, "log_index": index} for index, some in found.items() for term in some]
    if rows:
        connection.execute(terms.insert(), rows)

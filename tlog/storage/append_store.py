"""Assigning indices: several append requests, one transaction; with the rows go their look-up rows.

A request is all or nothing. Requests of a group do not affect each other: one that conflicts is refused
alone. The common case is one optimistic insert; only where the database reports a duplicate does the
group go through one by one, with look-ups.

Requests that were sealed before a key was withdrawn are not stored: their keys may be gone by the time
somebody reads them. The epoch is read with the size, so the check costs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Dialect, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from tlog.audit.cohort import cohort_of
from tlog.errors import ConcurrentUpdate, Conflict, StorageFault
from tlog.storage.bulk_insert import BulkInsert
from tlog.storage.cohort_sizes import SizeWriter
from tlog.storage.database import Database
from tlog.storage.facets import Facet, FacetNumbers
from tlog.storage.index_terms import pack_terms
from tlog.storage.log_store import known_ids, many
from tlog.storage.tables import entries, log_state, personal, terms
from tlog.storage.time_blocks import SpanWriter, spans_of

_LOOKUP_ROWS = 500
_KEYS: Final = ("log_index", "leaf")
_GIVEN: Final = ("entry_id", "source", "seq", "occurred_at", "received_at")
_SEALED: Final = (*_GIVEN, "facet", "core", "shared", "terms")
_PERSONAL: Final = ("log_index", "part", "key_id", "ciphertext")
_given_values = itemgetter(*_GIVEN)


@dataclass(slots=True)
class NewRow:
    """One leaf to store. Of a bare leaf nothing else is set.

    `columns` are entry_id, source, seq, occurred_at, received_at, core and shared as in `entries`, `terms` the
    blind index terms (signed 64-bit), `personal` (part, key_id, ciphertext).
    """

    leaf: bytes
    columns: dict[str, Any] = field(default_factory=dict)
    personal: Sequence[tuple[int, int, bytes]] = ()
    facet: Facet | None = None
    terms: tuple[int, ...] = ()

    @property
    def entry_id(self) -> bytes | None:
        """The 16 bytes of the entry's id, None for a bare leaf."""
        return self.columns.get("entry_id")


class SealedRequest(NamedTuple):
    """Rows that are stored together or not at all, and the epoch of the keys that they are sealed under.

    `made` are the names of persons' keys that were made for it.
    """

    rows: Sequence[NewRow]
    epoch: int
    made: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class StaleKeys:
    """Nothing of the request was stored: keys were withdrawn since it was sealed. Seal again in `epoch`."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Appended:
    """The request is stored: its rows have the indices from `start` on."""

    start: int


@dataclass(frozen=True, slots=True)
class KnownIds:
    """Nothing of the request was stored: these ids of it are in the log already, at these indices."""

    indices: Mapping[bytes, int]


Outcome = Appended | KnownIds | Conflict | StaleKeys


class AppendStore:
    """The one writer of indices. Blocks: call it off the event loop, from one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._inserts = _Inserts(database.engine.dialect)
        self._facets = FacetNumbers()

    def append(self, requests: Sequence[SealedRequest]) -> list[Outcome]:
        """Give every row an index, in order; durable on return.

        The ids within one request differ. Returns one outcome for each request. Raises `ConcurrentUpdate`
        (and stores nothing) if another process assigned indices meanwhile; `StorageFault` or `Unavailable`
        as the database fails.
        """
        try:
            with self._database.write() as connection:
                outcomes = _Group(connection, self._inserts, self._facets).insert_all(requests)
        except IntegrityError:
            self._facets.forget()
            return self._append_one_by_one(requests)
        except BaseException:
            self._facets.forget()
            raise
        self._facets.confirm()
        return outcomes

    def _append_one_by_one(self, requests: Sequence[SealedRequest]) -> list[Outcome]:
        try:
            with self._database.write() as connection:
                return [_Group(connection, self._inserts, self._facets).insert_one(one) for one in requests]
        except IntegrityError as error:
            raise StorageFault("an index is taken that the log's state calls free; run 'tlog fsck'") from error
        finally:
            self._facets.forget()


class _Inserts:
    """The statements that store new rows, written once."""

    def __init__(self, dialect: Dialect) -> None:
        self.sealed = BulkInsert(entries, (*_KEYS, *_SEALED), dialect)
        self.bare = BulkInsert(entries, _KEYS, dialect)
        self.personal = BulkInsert(personal, _PERSONAL, dialect)
        self.terms = BulkInsert(terms, terms.c.keys(), dialect)
        self.spans = SpanWriter(dialect)
        self.sizes = SizeWriter(dialect)


class _Group:
    """One transaction's view: the size it started from."""

    def __init__(self, connection: Connection, inserts: _Inserts, facets: FacetNumbers) -> None:
        self._connection = connection
        self._inserts = inserts
        self._facets = facets
        query = select(log_state.c.size, log_state.c.key_epoch).where(log_state.c.id == 1).with_for_update()
        self._size: int
        self._epoch: int
        self._size, self._epoch = connection.execute(query).one()

    def insert_all(self, requests: Sequence[SealedRequest]) -> list[Outcome]:
        """Insert everything as new; the database raises `IntegrityError` if anything is not."""
        outcomes: list[Outcome] = []
        rows: list[NewRow] = []
        for request in requests:
            if self._is_stale(request):
                outcomes.append(StaleKeys(self._epoch))
            else:
                outcomes.append(Appended(self._size + len(rows)))
                rows.extend(request.rows)
        self._insert(rows)
        return outcomes

    def insert_one(self, request: SealedRequest) -> Outcome:
        """Insert one request, unless some of its ids are known or some of its numbers are taken."""
        rows = request.rows
        if self._is_stale(request):
            return StaleKeys(self._epoch)
        ids = [row.entry_id for row in rows if row.entry_id is not None]
        if known := known_ids(self._connection, ids):
            return KnownIds(known)
        if conflict := self._seq_conflict(rows):
            return conflict
        start = self._size
        self._insert(rows)
        return Appended(start)

    def _is_stale(self, request: SealedRequest) -> bool:
        # A bare leaf is sealed under no key of ours.
        return request.epoch < self._epoch and any(row.columns for row in request.rows)

    def _seq_conflict(self, rows: Sequence[NewRow]) -> Conflict | None:
        places: dict[tuple[str, int], list[int]] = {}
        for position, row in enumerate(rows):
            if row.entry_id is not None:
                places.setdefault((row.columns["source"], row.columns["seq"]), []).append(position)
        taken = {pair: f"entries {at} of this request" for pair, at in places.items() if len(at) > 1}
        for some in many(list(places), _LOOKUP_ROWS):
            place = tuple_(entries.c.source, entries.c.seq)
            query = select(entries.c.source, entries.c.seq, entries.c.log_index).where(place.in_(some))
            taken.update({(source, seq): f"entry {index}" for source, seq, index in self._connection.execute(query)})
        if not taken:
            return None
        source, seq = first = min(taken)
        return Conflict(
            f"[{places[first][0]}]: seq {seq} of source {source} belongs to {taken[first]} under another id "
            f"({len(taken)} such number{'s' if len(taken) > 1 else ''} in this request); nothing of it was stored"
        )

    def _insert(self, rows: Sequence[NewRow]) -> None:
        if not rows:
            return
        start = self._size
        numbered = list(enumerate(rows, start))
        sealed = [(i, row) for i, row in numbered if row.columns]
        self._insert_sealed(sealed)
        self._inserts.bare.execute(self._connection, [(i, row.leaf) for i, row in numbered if not row.columns])
        self._inserts.personal.execute(self._connection, [(i, *part) for i, row in sealed for part in row.personal])
        self._inserts.terms.execute(self._connection, sorted((term, i) for i, row in sealed for term in row.terms))
        times = ((i, row.columns["occurred_at"], row.columns["received_at"]) for i, row in sealed)
        self._inserts.spans.add(self._connection, spans_of(times))
        self._inserts.sizes.add(self._connection, _sizes(row for _, row in sealed))
        self._advance(start + len(rows))

    def _insert_sealed(self, rows: Sequence[tuple[int, NewRow]]) -> None:
        if not rows:
            return
        numbers = self._facets.numbers(self._connection, {row.facet for _, row in rows if row.facet is not None})
        self._inserts.sealed.execute(
            self._connection,
            [
                (
                    index,
                    row.leaf,
                    *_given_values(row.columns),
                    numbers[row.facet] if row.facet is not None else None,
                    row.columns["core"],
                    row.columns["shared"],
                    pack_terms(row.terms),
                )
                for index, row in rows
            ],
        )

    def _advance(self, size: int) -> None:
        change = update(log_state).where(log_state.c.id == 1, log_state.c.size == self._size)
        if self._connection.execute(change.values(size=size)).rowcount != 1:
            raise ConcurrentUpdate("another process assigned these indices; nothing was stored")
        self._size = size


def _sizes(rows: Iterable[NewRow]) -> dict[str, int]:
    """Count new entries by cohort. Those of a batch share their moment: naming it once for each class is enough."""
    found = Counter((row.facet.retention, row.columns["received_at"]) for row in rows if row.facet is not None)
    sizes: Counter[str] = Counter()
    for (retention, received_at), count in found.items():
        sizes[cohort_of(retention, received_at)] += count
    return sizes

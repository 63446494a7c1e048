"""The log's database as the service sees it: assign indices, read leaves, keep checkpoints.

Invariants, each kept by one transaction:

* an index is assigned once, without gaps: the rows `[size, size + n)` and the new `size` commit together,
  and `size` is compared with what the rows were numbered from;
* an `entry_id` has one index for ever, and a `(source, seq)` one `entry_id`;
* `integrated_size` and the checkpoints only grow, and there is one checkpoint of each size.

Everything returned as done is durable. Methods block: call them off the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from tlog.errors import ConcurrentUpdate, ConfigurationInvalid, NotFound, StorageFault
from tlog.storage.database import Database
from tlog.storage.tables import checkpoints, entries, facets, log_state, personal

NO_SUCH_ID: Final = "no entry has this id"
_ONE = log_state.c.id == 1
_LOOKUP_ROWS = 500
_ROWS = select(entries, facets.c.action, facets.c.outcome, facets.c.retention).select_from(
    entries.outerjoin(facets, facets.c.facet == entries.c.facet)
)


@dataclass(frozen=True, slots=True)
class LogState:
    """`size` leaves have an index; the first `integrated_size` are in the tiles, under `integrated_root`."""

    origin: str
    size: int
    integrated_size: int
    integrated_root: bytes


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed checkpoint. `witnessed_at` is in microseconds, None while its quorum is not met."""

    size: int
    root: bytes
    note: bytes
    signed_at: int
    witnessed_at: int | None


@dataclass(frozen=True, slots=True)
class PersonalPart:
    """A part of one person: `part` 0 is the actor, i + 1 the subject i.

    Of an erased part `key_id` is None, `ciphertext` its digests and `act` the number of the act that erased it.
    """

    part: int
    key_id: int | None
    ciphertext: bytes
    act: int | None = None


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A row of `entries` with its facet and its personal parts.

    A bare leaf has `columns["entry_id"] is None`; so has an expired entry, whose `columns["act"]` is not None.
    """

    index: int
    leaf: bytes
    columns: Mapping[str, Any]
    personal: tuple[PersonalPart, ...]


class LogStore:
    """Reads and writes of the log's database. One row of `log_state` makes it a log."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.epoch_moved: Callable[[int], None] = lambda _: None
        """Told each new epoch of keys once it is durable, in the thread that moved it."""

    def create(self, origin: str, empty_root: bytes) -> None:
        """Make the empty log. Raises `ConfigurationInvalid` if there is one already."""
        with self.database.write() as connection:
            if connection.execute(select(log_state.c.id)).first() is not None:
                raise ConfigurationInvalid("this database holds a log already; nothing was changed")
            values = {"id": 1, "origin": origin, "size": 0, "integrated_size": 0}
            connection.execute(insert(log_state).values(**values, integrated_root=empty_root))

    def state(self) -> LogState:
        """Return the one state row. Raises `StorageFault` where it is missing."""
        columns = [log_state.c[name] for name in LogState.__slots__]
        with self.database.read() as connection:
            row = connection.execute(select(*columns).where(_ONE)).first()
        if row is None:
            raise StorageFault("the database holds no log: its state row is missing")
        return LogState(*row)

    def leaves(self, start: int, end: int) -> list[bytes]:
        """Return the leaves `[start, end)`. Raises `StorageFault` if one is missing."""
        query = (
            select(entries.c.leaf)
            .where(entries.c.log_index >= start, entries.c.log_index < end)
            .order_by(entries.c.log_index)
        )
        with self.database.read() as connection:
            found = list(connection.execute(query).scalars())
        if len(found) != end - start:
            raise StorageFault(f"{end - start - len(found)} of the leaves [{start}, {end}) are missing")
        if not all(isinstance(leaf, bytes) for leaf in found):  # SQLite stores any type in any column
            raise StorageFault(f"some of the leaves [{start}, {end}) are not bytes: the database was changed")
        return found

    def entry(self, index: int) -> StoredEntry:
        """Return the row of one index with its sealed parts. Raises `NotFound`."""
        found = self.entries_at([index])
        if index not in found:
            raise NotFound(f"no entry has index {index}")
        return found[index]

    def entries_at(self, indices: Sequence[int]) -> dict[int, StoredEntry]:
        """Return the rows of these indices with their sealed parts, by index; missing ones are left out."""
        found: dict[int, StoredEntry] = {}
        with self.database.read() as connection:
            for some in many(indices, _LOOKUP_ROWS):
                rows = connection.execute(_ROWS.where(entries.c.log_index.in_(some))).mappings().all()
                parts = _personal_parts(connection, some)
                for row in rows:
                    index = row["log_index"]
                    found[index] = StoredEntry(index, row["leaf"], dict(row), tuple(parts.get(index, ())))
        return found

    def index_of(self, entry_id: bytes) -> int:
        """Return the index of the entry with this 16-byte id. Raises `NotFound`."""
        with self.database.read() as connection:
            found = connection.execute(select(entries.c.log_index).where(entries.c.entry_id == entry_id)).scalar()
        if found is None:
            raise NotFound(NO_SUCH_ID)
        return int(found)

    def known_ids(self, ids: Sequence[bytes]) -> dict[bytes, int]:
        """Return the indices of those of these 16-byte ids that some entry has."""
        with self.database.read() as connection:
            return known_ids(connection, ids)

    def key_epoch(self) -> int:
        """Return how often keys were withdrawn."""
        with self.database.read() as connection:
            return int(connection.execute(select(log_state.c.key_epoch).where(_ONE)).scalar_one())

    def advance_epoch(self) -> int:
        """Begin a new epoch of keys and return its number: rows sealed in an older one are stored no more."""
        with self.database.write() as connection:
            epoch = next_epoch(connection)
        self.epoch_moved(epoch)
        return epoch

    def set_integrated(self, old: LogState, size: int, root: bytes) -> LogState:
        """Move `integrated_size` on from `old`, once the tiles of `size` leaves are durable.

        Raises `ConcurrentUpdate` if another process moved it. A crash before this repeats the same tiles.
        """
        change = (
            update(log_state)
            .where(_ONE, log_state.c.integrated_size == old.integrated_size, log_state.c.size >= size)
            .values(integrated_size=size, integrated_root=root)
        )
        with self.database.write() as connection:
            if connection.execute(change).rowcount != 1:
                raise ConcurrentUpdate("another process integrates this log")
        return LogState(old.origin, max(old.size, size), size, root)

    def add_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        """Store a freshly signed checkpoint, before any witness sees it.

        Raises `ConcurrentUpdate` if this size, or a larger one, was signed already.
        """
        with self.database.write() as connection:
            largest = connection.execute(select(func.max(checkpoints.c.size))).scalar()
            if largest is not None and largest >= checkpoint.size:
                raise ConcurrentUpdate(f"a checkpoint of size {largest} was signed already")
            connection.execute(insert(checkpoints).values(**_columns(checkpoint)))

    def set_witnessed(self, size: int, note: bytes, witnessed_at: int) -> None:
        """Store the cosigned note of a checkpoint; the time of its first quorum (microseconds) stays."""
        change = (
            update(checkpoints)
            .where(checkpoints.c.size == size)
            .values(note=note, witnessed_at=func.coalesce(checkpoints.c.witnessed_at, witnessed_at))
        )
        with self.database.write() as connection:
            if connection.execute(change).rowcount != 1:
                raise StorageFault(f"the signed checkpoint of size {size} is gone from the database")

    def last_signed(self) -> StoredCheckpoint | None:
        """Return the largest checkpoint ever signed."""
        found = self.checkpoints(limit=1, descending=True, witnessed=False)
        return found[0] if found else None

    def last_witnessed(self) -> StoredCheckpoint | None:
        """Return the largest checkpoint whose quorum was met."""
        found = self.checkpoints(limit=1, descending=True)
        return found[0] if found else None

    def checkpoints(
        self, *, start: int = 0, limit: int = 100, descending: bool = False, witnessed: bool = True
    ) -> list[StoredCheckpoint]:
        """Return checkpoints of size `start` and up (or down from it, if `descending` and not 0), by size."""
        query = select(checkpoints).limit(limit)
        if witnessed:
            query = query.where(checkpoints.c.witnessed_at.is_not(None))
        if descending:
            query = query.order_by(checkpoints.c.size.desc())
            query = query.where(checkpoints.c.size <= start) if start else query
        else:
            query = query.order_by(checkpoints.c.size).where(checkpoints.c.size >= start)
        with self.database.read() as connection:
            return [_checkpoint(row) for row in connection.execute(query).mappings()]

    def growth(self, points: int = 48) -> list[tuple[int, int]]:
        """Return (size, time witnessed in microseconds) of up to `points` checkpoints spread over the log, by size.

        Each is found by the table's key, so it costs the same on a log of any size.
        """
        seen = checkpoints.c.witnessed_at.is_not(None)
        columns = select(checkpoints.c.size, checkpoints.c.witnessed_at).where(seen).limit(1)
        upward, found = columns.order_by(checkpoints.c.size), {}
        with self.database.read() as connection:
            last = connection.execute(columns.order_by(checkpoints.c.size.desc())).first()
            for number in range(points):
                start = 0 if last is None else last.size * number // max(points - 1, 1)
                row = connection.execute(upward.where(checkpoints.c.size >= start)).first()
                if row is not None:
                    found[int(row[0])] = int(row[1])
        return sorted(found.items())

    def checkpoints_of(self, sizes: Collection[int]) -> dict[int, StoredCheckpoint]:
        """Return the checkpoints of these sizes, by size; missing ones are left out."""
        found: dict[int, StoredCheckpoint] = {}
        with self.database.read() as connection:
            for some in many(sorted(sizes), _LOOKUP_ROWS):
                rows = connection.execute(select(checkpoints).where(checkpoints.c.size.in_(some))).mappings()
                found |= {row["size"]: _checkpoint(row) for row in rows}
        return found

    def all_checkpoints(self, page: int = 1000) -> Iterator[StoredCheckpoint]:
        """Yield every signed checkpoint, smallest first."""
        start = 0
        while found := self.checkpoints(start=start, limit=page, witnessed=False):
            yield from found
            start = found[-1].size + 1


def next_epoch(connection: Connection) -> int:
    """Do what `LogStore.advance_epoch` does, within a transaction; who commits it calls `epoch_moved`."""
    connection.execute(update(log_state).where(_ONE).values(key_epoch=log_state.c.key_epoch + 1))
    return int(connection.execute(select(log_state.c.key_epoch).where(_ONE)).scalar_one())


def _personal_parts(connection: Connection, indices: Sequence[int]) -> dict[int, list[PersonalPart]]:
    columns = (personal.c.log_index, personal.c.part, personal.c.key_id, personal.c.ciphertext, personal.c.act)
    query = select(*columns).where(personal.c.log_index.in_(indices)).order_by(personal.c.log_index, personal.c.part)
    parts: dict[int, list[PersonalPart]] = {}
    for index, *part in connection.execute(query):
        parts.setdefault(index, []).append(PersonalPart(*part))
    return parts


def _checkpoint(row: Mapping[Any, Any]) -> StoredCheckpoint:
    if not isinstance(row["note"], bytes) or not isinstance(row["root"], bytes):
        raise StorageFault(f"the checkpoint of size {row['size']} is not bytes: the database was changed")
    return StoredCheckpoint(**row)


def _columns(checkpoint: StoredCheckpoint) -> dict[str, Any]:
    return {name: getattr(checkpoint, name) for name in StoredCheckpoint.__slots__}


def many(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Cut `rows` into pieces that fit the parameter limit of one statement."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def known_ids(connection: Connection, ids: Sequence[bytes]) -> dict[bytes, int]:
    """Do what `LogStore.known_ids` does, within the caller's transaction."""
    known: dict[bytes, int] = {}
    for some in many(ids, _LOOKUP_ROWS):
        query = select(entries.c.entry_id, entries.c.log_index).where(entries.c.entry_id.in_(some))
        known.update({bytes(entry_id): index for entry_id, index in connection.execute(query)})
    return known

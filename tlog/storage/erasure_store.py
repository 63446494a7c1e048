"""All that the log's database holds of one person, by the name of their key: find it, count it, replace it by digests.

Invariant: a person's key is destroyed only after `apply` committed, and `apply` commits only if no sealed part of
theirs is left. What belongs to a part goes in the same transaction: with the shared part its blind index terms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, select, update

from tlog.audit.erasure_record import ErasedPart
from tlog.audit.part import SHARED
from tlog.errors import StorageFault
from tlog.storage.act_store import Act, ActState, move_act
from tlog.storage.database import Database
from tlog.storage.index_terms import unpack_terms
from tlog.storage.log_store import many
from tlog.storage.tables import entries, holds, personal, terms

_ROWS: Final = 500
_SUBJECT = re.compile(r"subjects\[(\d+)\]")


class Place(NamedTuple):
    """A sealed part of the person, at an index: part 0 is the actor, i + 1 the subject i."""

    at: int
    part: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is of a person: entries, parts to erase, shared parts among them that name other subjects too,
    and when the first and the last entry came (microseconds since the epoch; None without entries)."""

    entries: int = 0
    parts: int = 0
    other_subjects_affected: int = 0
    first_received_at: int | None = None
    last_received_at: int | None = None


class RekeyedEntry(NamedTuple):
    """The shared part of the entry at `at`, and (part, ciphertext) of one person, under another key of theirs."""

    at: int
    shared: bytes | None
    parts: Sequence[tuple[int, bytes]]


class ErasureStore:
    """Reads and writes of one person's parts. Methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def places(self, key_id: int) -> list[Place]:
        """Return where sealed parts of a person are, by index."""
        query = select(personal.c.log_index, personal.c.part).where(personal.c.key_id == key_id)
        with self._database.read() as connection:
            return [Place(*row) for row in connection.execute(query.order_by(personal.c.log_index, personal.c.part))]

    def extent(self, key_id: int) -> Extent:
        """Count what an erasure of this person would do."""
        mine, other = personal.alias("mine"), personal.alias("other")
        shared = and_(mine.c.part > 0, entries.c.shared.is_not(None), entries.c.shared_act.is_(None))
        named = exists().where(other.c.log_index == mine.c.log_index, other.c.part > 0, other.c.part != mine.c.part)
        received = entries.c.received_at
        query = (
            select(
                func.count(mine.c.log_index.distinct()),
                func.count(),
                func.count().filter(shared),
                func.count().filter(and_(shared, named)),
                func.min(received),
                func.max(received),
            )
            .select_from(mine.join(entries, entries.c.log_index == mine.c.log_index))
            .where(mine.c.key_id == key_id)
        )
        with self._database.read() as connection:
            found, parts, with_shared, others, first, last = connection.execute(query).one()
        return Extent(found, parts + with_shared, others, first, last)

    def apply(self, act: Act, key_id: int, erased: Sequence[ErasedPart], **values: Any) -> Act:
        """Replace the parts by what stands in their place, in one transaction with the act's move to `applied`.

        Parts that are erased already, and entries that are not there (an older database), are left alone. Raises
        `StorageFault`, and changes nothing, where a sealed part of the person would be left. An act that is past
        `applied` keeps its state. A crash before the commit: nothing happened. After it: the key is destroyed next.
        """
        with self._database.write() as connection:
            _replace_personal(connection, act, key_id, [part for part in erased if part.label != SHARED])
            _replace_shared(connection, act, [part for part in erased if part.label == SHARED])
            self._require_none(connection, key_id)
            # A lifted hold keeps its case number: it must not lead to the person's entries.
            connection.execute(update(holds).where(holds.c.key_id == key_id).values(key_id=None))
            if act.state in {ActState.DONE, ActState.APPLIED}:
                return act
            return move_act(connection, act, ActState.APPLIED, **values)

    def rekey(self, moved: Sequence[RekeyedEntry], old: int, new: int) -> None:
        """Store parts of the person with key `old` as sealed under key `new`, in one transaction."""
        change = update(personal).where(
            personal.c.log_index == bindparam("at"), personal.c.part == bindparam("number"), personal.c.key_id == old
        )
        parts = [{"at": m.at, "number": number, "sealed": data} for m in moved for number, data in m.parts]
        shared = update(entries).where(entries.c.log_index == bindparam("at")).values(shared=bindparam("sealed"))
        with self._database.write() as connection:
            if parts:
                connection.execute(change.values(ciphertext=bindparam("sealed"), key_id=new), parts)
                connection.execute(shared, [{"at": m.at, "sealed": m.shared} for m in moved])

    def require_under(self, key_id: int, erased: Sequence[ErasedPart]) -> None:
        """Raise `StorageFault` where one of these parts is here and sealed under the key of somebody else."""
        named = {(part.index, part_number(part.label)) for part in erased if part.label != SHARED}
        query = select(personal.c.log_index, personal.c.part).where(personal.c.key_id != key_id)
        with self._database.read() as connection:
            for some in many(sorted({index for index, _ in named}), _ROWS):
                found = connection.execute(query.where(personal.c.log_index.in_(some)))
                if others := [row.log_index for row in found if (row.log_index, row.part) in named]:
                    raise StorageFault(
                        f"an erasure record names a part of entry {min(others)} that is sealed under another key than "
                        "the record says; nothing was changed"
                    )

    @staticmethod
    def _require_none(connection: Connection, key_id: int) -> None:
        left = connection.execute(select(func.count()).where(personal.c.key_id == key_id)).scalar_one()
        if left:
            raise StorageFault(f"{left} sealed parts under the key would be left without digests; nothing was changed")


def _replace_personal(connection: Connection, act: Act, key_id: int, parts: Sequence[ErasedPart]) -> None:
    change = (
        update(personal)
        .where(
            personal.c.log_index == bindparam("at"),
            personal.c.part == bindparam("number"),
            personal.c.key_id == key_id,
        )
        .values(ciphertext=bindparam("digests"), key_id=None, act=act.act)
    )
    rows = [{"at": part.index, "number": part_number(part.label), "digests": part.container} for part in parts]
    for some in many(rows, _ROWS):
        connection.execute(change, some)


def _replace_shared(connection: Connection, act: Act, parts: Sequence[ErasedPart]) -> None:
    change = (
        update(entries)
        .where(
            entries.c.log_index == bindparam("at"),
            entries.c.shared.is_not(None),
            entries.c.shared_act.is_(None),
        )
        .values(shared=bindparam("digests"), shared_act=act.act, terms=b"")
    )
    gone = delete(terms).where(terms.c.term == bindparam("old_term"), terms.c.log_index == bindparam("at"))
    for some in many(parts, _ROWS):
        old = [{"old_term": term, "at": index} for index, term in _terms_of(connection, [part.index for part in some])]
        if old:
            connection.execute(gone, old)
        connection.execute(change, [{"at": part.index, "digests": part.container} for part in some])


def _terms_of(connection: Connection, indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    query = select(entries.c.log_index, entries.c.terms).where(entries.c.log_index.in_(indices))
    for index, packed in connection.execute(query):
        yield from ((index, term) for term in unpack_terms(packed))


def part_number(label: str) -> int:
    """Return which personal part a label names: 0 for the actor, i + 1 for subject i."""
    found = _SUBJECT.fullmatch(label)
    return int(found[1]) + 1 if found else 0

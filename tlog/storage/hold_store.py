"""Holds: what must not go, and since when. A hold is never removed; lifted, it protects nothing any more.

A row says in clear only what is not personal: a key's random number, a source, times, a blind term of the case number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from tlog.errors import Conflict, NotFound
from tlog.storage.database import Database
from tlog.storage.index_terms import unpack_terms
from tlog.storage.log_store import many
from tlog.storage.tables import entries, holds, personal

_ROWS = 500


class HoldKind(StrEnum):
    """What a hold protects from: `legal-hold` from erasure and expiry, `art-17-3` from erasure only."""

    LEGAL = "legal-hold"
    ART_17_3 = "art-17-3"


@dataclass(frozen=True, slots=True)
class Hold:
    """A row of `holds`. Its scope is every given one of key, source, window and case; times are microseconds."""

    hold: int
    hold_id: bytes
    kind: HoldKind
    case_term: int
    key_id: int | None
    source: str | None
    occurred_from: int | None
    occurred_to: int | None
    by_case: bool
    payload: bytes
    placed_at: int
    lifted_at: int | None


@dataclass(frozen=True, slots=True)
class Scoped:
    """What decides whether a hold covers an entry: its source, when it happened, its persons' keys and its terms."""

    index: int
    source: str
    occurred_at: int
    key_ids: frozenset[int]
    terms: frozenset[int]


class HoldStore:
    """Reads and writes of holds. Methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place(self, hold_id: bytes, values: dict[str, Any]) -> Hold:
        """Store a hold, unless it is there; durable on return."""
        with self._database.write() as connection:
            found = _by_id(connection, hold_id)
            if found is not None:
                return found
            row = connection.execute(insert(holds).values(hold_id=hold_id, **values).returning(holds)).one()
            return _hold(row)

    def lift(self, number: int, lifted_at: int, payload: bytes) -> Hold:
        """Lift a hold, which says `payload` from now on. Raises `NotFound`, `Conflict` where it is lifted already."""
        here = holds.c.hold == number
        values = {"lifted_at": lifted_at, "payload": payload}
        with self._database.write() as connection:
            change = update(holds).where(here, holds.c.lifted_at.is_(None)).values(values)
            row = connection.execute(change.returning(holds)).first()
            if row is not None:
                return _hold(row)
            if connection.execute(select(holds.c.hold).where(here)).first() is None:
                raise NotFound("there is no such hold")
            raise Conflict(f"hold {number} is lifted already")

    def rekey(self, old: int, new: int) -> None:
        """Let the holds in force on the person of one key be on that of another."""
        with self._database.write() as connection:
            here = (holds.c.key_id == old, holds.c.lifted_at.is_(None))
            connection.execute(update(holds).where(*here).values(key_id=new))

    def get(self, number: int) -> Hold:
        """Return a hold. Raises `NotFound`."""
        with self._database.read() as connection:
            row = connection.execute(select(holds).where(holds.c.hold == number)).first()
        if row is None:
            raise NotFound("there is no such hold")
        return _hold(row)

    def of_case(self, case_term: int) -> list[Hold]:
        """Return the holds of a case that are in force."""
        return [hold for hold in self.active() if hold.case_term == case_term]

    def active(self) -> list[Hold]:
        """Return the holds in force, oldest first."""
        return self._all(holds.c.lifted_at.is_(None))

    def all(self) -> list[Hold]:
        """Return every hold ever placed, oldest first."""
        return self._all()

    def scoped(self, indices: Sequence[int]) -> list[Scoped]:
        """Return of these entries what holds look at; bare leaves and expired entries are left out."""
        found: list[Scoped] = []
        with self._database.read() as connection:
            for some in many(indices, _ROWS):
                keys = _keys(connection, some)
                columns = (entries.c.log_index, entries.c.source, entries.c.occurred_at, entries.c.terms)
                query = select(*columns).where(entries.c.log_index.in_(some), entries.c.entry_id.is_not(None))
                for index, source, occurred_at, terms in connection.execute(query):
                    named = frozenset(keys.get(index, ()))
                    found.append(Scoped(index, source, occurred_at, named, frozenset(unpack_terms(terms))))
        return found

    def _all(self, *conditions: Any) -> list[Hold]:
        with self._database.read() as connection:
            return [_hold(row) for row in connection.execute(select(holds).where(*conditions).order_by(holds.c.hold))]


def _keys(connection: Connection, indices: Sequence[int]) -> dict[int, set[int]]:
    query = select(personal.c.log_index, personal.c.key_id)
    found: dict[int, set[int]] = {}
    for index, key_id in connection.execute(
        query.where(personal.c.log_index.in_(indices), personal.c.part > 0, personal.c.key_id.is_not(None))
    ):
        found.setdefault(index, set()).add(key_id)
    return found


def _by_id(connection: Connection, hold_id: bytes) -> Hold | None:
    row = connection.execute(select(holds).where(holds.c.hold_id == hold_id)).first()
    return None if row is None else _hold(row)


def _hold(row: Any) -> Hold:
    values = dict(row._mapping)
    return Hold(**values | {"kind": HoldKind(values["kind"]), "by_case": bool(values["by_case"])})

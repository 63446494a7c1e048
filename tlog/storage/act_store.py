"""Acts: what was asked of the log that destroys or protects, from the request to its entry in the log.

    pending ── approve ──> begun ── everything destroyed ──> applied ── its own entry logged ──> done
       ├─ decline ─> declined   └─ nothing was destroyed ─> refused
       └─ the automatic run did it first ─> overtaken

Invariants: a state moves along these arrows only, compared and swapped; `act_id` is the id of the entry that logs the
act, so it is logged once; of an act that is `done`, `declined`, `overtaken` or `refused` no payload is left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from tlog.errors import ConcurrentUpdate, NotFound
from tlog.storage.database import Database
from tlog.storage.tables import acts, entries, facets, log_state


class ActKind(StrEnum):
    """What an act does."""

    ERASURE = "erasure"
    EXPIRY = "expiry"
    HOLD = "hold"
    LIFT = "lift"
    RESUME = "resume-expiry"
    GRANT = "grant"


class ActState(StrEnum):
    """How far an act is."""

    PENDING = "pending"
    BEGUN = "begun"
    APPLIED = "applied"
    DONE = "done"
    DECLINED = "declined"
    OVERTAKEN = "overtaken"
    REFUSED = "refused"


OPEN: Final = (ActState.PENDING, ActState.BEGUN, ActState.APPLIED)
UNFINISHED: Final = (ActState.BEGUN, ActState.APPLIED)


@dataclass(frozen=True, slots=True)
class Act:
    """A row of `acts`. Times are microseconds since the epoch; `requested_by` and `approved_by` are ids of tokens."""

    act: int
    act_id: bytes
    kind: ActKind
    state: ActState
    requested_at: int
    requested_by: str | None = None
    approved_by: str | None = None
    key_id: int | None = None
    cohort: str | None = None
    hold: int | None = None
    entries: int | None = None
    parts: int | None = None
    payload: bytes | None = None
    applied_at: int | None = None
    entry_index: int | None = None


class ActStore:
    """Reads and writes of acts. Methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, act_id: bytes, kind: ActKind, state: ActState, requested_at: int, **values: Any) -> Act:
        """Store a new act with further columns by name; durable on return."""
        with self._database.write() as connection:
            return add_act(connection, act_id, kind, state, requested_at, **values)

    def get(self, act_id: bytes) -> Act:
        """Return an act. Raises `NotFound`."""
        found = self.find(act_id)
        if found is None:
            raise NotFound("there is no such act")
        return found

    def find(self, act_id: bytes) -> Act | None:
        """Return an act, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(acts).where(acts.c.act_id == act_id)).first()
        return None if row is None else _act(row)

    def by_number(self, numbers: Collection[int]) -> dict[int, Act]:
        """Return the acts with these numbers."""
        with self._database.read() as connection:
            rows = connection.execute(select(acts).where(acts.c.act.in_(list(numbers))))
            return {row.act: _act(row) for row in rows}

    def in_states(self, states: Collection[ActState], kind: ActKind | None = None) -> list[Act]:
        """Return the acts in these states, oldest first."""
        query = select(acts).where(acts.c.state.in_([str(state) for state in states])).order_by(acts.c.act)
        if kind is not None:
            query = query.where(acts.c.kind == str(kind))
        with self._database.read() as connection:
            return [_act(row) for row in connection.execute(query)]

    def newest(
        self, kind: ActKind | None, limit: int, before: int | None = None, state: ActState | None = None
    ) -> list[Act]:
        """Return the acts of a kind and in a state (None: any), newest first, with numbers below `before`."""
        query = select(acts).order_by(acts.c.act.desc()).limit(limit)
        if kind is not None:
            query = query.where(acts.c.kind == str(kind))
        if state is not None:
            query = query.where(acts.c.state == str(state))
        if before is not None:
            query = query.where(acts.c.act < before)
        with self._database.read() as connection:
            return [_act(row) for row in connection.execute(query)]

    def move(self, act: Act, state: ActState, **values: Any) -> Act:
        """Bring an act from the state it is in to another, with new values; durable on return.

        Raises `ConcurrentUpdate` if it is in another state by now.
        """
        with self._database.write() as connection:
            return move_act(connection, act, state, **values)

    def next_seq(self, source: str) -> int:
        """Return a number after those of all of a source's entries: the next one, as long as any of them is left.

        Once all have expired it is the log's size, which is above whatever they had if each began like this.
        """
        last = select(func.max(entries.c.seq)).where(entries.c.source == source).scalar_subquery()
        ever = select(facets.c.facet).where(facets.c.source == source).exists()
        with self._database.read() as connection:
            found, had_some, size = connection.execute(select(last, ever, log_state.c.size)).one()
        if found is not None:
            return int(found) + 1
        return int(size) if had_some else 0


def add_act(
    connection: Connection, act_id: bytes, kind: ActKind, state: ActState, requested_at: int, **values: Any
) -> Act:
    """Do what `ActStore.add` does, within a transaction."""
    row = {"act_id": act_id, "kind": str(kind), "state": str(state), "requested_at": requested_at, **values}
    return _act(connection.execute(insert(acts).values(**row).returning(acts)).one())


def move_act(connection: Connection, act: Act, state: ActState, **values: Any) -> Act:
    """Do what `ActStore.move` does, within a transaction."""
    change = update(acts).where(acts.c.act == act.act, acts.c.state == str(act.state))
    row = connection.execute(change.values(state=str(state), **values).returning(acts)).first()
    if row is None:
        raise ConcurrentUpdate(f"the act is not '{act.state}' any more")
    return _act(row)


def _act(row: Any) -> Act:
    values = dict(row._mapping)
    return Act(**values | {"kind": ActKind(values["kind"]), "state": ActState(values["state"])})

"""What requests do to the database: all changes of a batch, compared and applied under one write lock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Row, Update, bindparam, func, select, update

from witness import tables
from witness.rules import SECONDS_PER_DAY, LogState, Usage

_COLUMNS = [column for column in tables.log.c if column is not tables.log.c.note]  # kilobytes that nothing here reads
LOGS = select(*_COLUMNS).where(tables.log.c.origin.in_(bindparam("origins", expanding=True)))


@dataclass(frozen=True, slots=True)
class Change:
    """One request's effect: count it (where the log has a limit), and move from `old` to `new` if given.

    `note` is the cosigned checkpoint to keep with `new`. `now` is in POSIX seconds.
    """

    origin: str
    now: int
    old: LogState
    new: LogState | None = None
    note: bytes | None = None


class Outcome(Enum):
    """What became of a change."""

    DONE = "durable"
    QUOTA_REACHED = "not done: the log used up its requests of this UTC day"
    STATE_MOVED = "not done: the state is no longer `old`, another request was faster"


def state_of(row: Row[Any]) -> LogState:
    """Return the state in a row of `tables.log`."""
    return LogState(row.size, row.root, row.timestamp)


def usage_of(row: Row[Any]) -> Usage:
    """Return the usage in a row of `tables.log`."""
    return Usage(row.usage_day, row.usage_requests)


def apply_changes(connection: Connection, changes: Sequence[Change]) -> list[Outcome]:
    """Compare each change with its row, write what holds. Under the write lock: nothing moves between."""
    origins = list(dict.fromkeys(change.origin for change in changes))
    rows = {row.origin: _Row.of(row) for row in connection.execute(LOGS, {"origins": origins})}
    outcomes = [rows[change.origin].apply(change) for change in changes]
    moved = [row for row in rows.values() if row.moved_by is not None]
    if moved:
        connection.execute(_MOVE, [row.new_state() for row in moved])
        connection.execute(_ADVANCE_CLOCK, {"signed": max(row.state.timestamp for row in moved)})
    counted = [row.new_usage() for row in rows.values() if row.limit is not None]
    if counted:
        connection.execute(_COUNT, counted)
    return outcomes


@dataclass(slots=True)
class _Row:
    """One log's row while a transaction changes it."""

    origin: str
    state: LogState
    usage: Usage
    limit: int | None
    moved_by: Change | None = None

    @classmethod
    def of(cls, row: Row[Any]) -> _Row:
        return cls(row.origin, state_of(row), usage_of(row), row.requests_per_day)

    def apply(self, change: Change) -> Outcome:
        day = change.now // SECONDS_PER_DAY
        used = self.usage.requests if self.usage.day == day else 0
        if self.limit is not None and used >= self.limit:
            return Outcome.QUOTA_REACHED
        if change.new is not None and self.state != change.old:
            return Outcome.STATE_MOVED  # not counted: the request is decided again
        if self.limit is not None:
            self.usage = Usage(day, used + 1)
        if change.new is not None:
            self.state, self.moved_by = change.new, change
        return Outcome.DONE

    def new_state(self) -> dict[str, object]:
        note = None if self.moved_by is None else self.moved_by.note
        state = self.state
        return {"key": self.origin, "size": state.size, "root": state.root, "timestamp": state.timestamp, "note": note}

    def new_usage(self) -> dict[str, object]:
        return {"key": self.origin, "usage_day": self.usage.day, "usage_requests": self.usage.requests}


def _update(*columns: str) -> Update:
    values: dict[str, object] = {column: bindparam(column) for column in columns}
    return update(tables.log).where(tables.log.c.origin == bindparam("key")).values(values)


_MOVE = _update("size", "root", "timestamp", "note")
_COUNT = _update("usage_day", "usage_requests")
_ADVANCE_CLOCK = update(tables.identity).values(
    last_timestamp=func.max(tables.identity.c.last_timestamp, bindparam("signed"))
)

"""The witness's memory: who it is, which logs it trusts, and the latest checkpoint of each.

Durability: `commit` and every other change return only after SQLite fsynced its write-ahead log. Losing this
memory, or going back to an older one, is what a witness must never do: it would then cosign a second tree.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, Row, bindparam, insert, select
from sqlalchemy.exc import DatabaseError, OperationalError

from tlog.errors import ConfigurationInvalid, StorageFault, Unavailable
from tlog.formats.cosignature import verifier_for
from tlog.formats.note import Verifier
from tlog.formats.vkey import SignatureType, VKey, parse_vkey
from witness import schema, tables
from witness.changes import LOGS, Change, Outcome, apply_changes, state_of, usage_of
from witness.database import open_engine
from witness.keys import Identity
from witness.rules import LogState, TrustedLog, Usage

DATABASE_FILE = "witness.sqlite3"


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log as stored: its configuration, its state, and how much it asked today."""

    log: TrustedLog
    state: LogState
    usage: Usage


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the database held at one moment. `last_timestamp`: our latest cosignature, POSIX seconds."""

    last_timestamp: int
    records: dict[str, LogRecord]


class Store:
    """The database of one witness, opened only if it is there, is whole, and belongs to these keys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(write=True)
        self._write_turn = threading.Lock()  # fair in-process turns; SQLite's own lock polls

    @classmethod
    def create(cls, path: Path, identity: Identity) -> None:
        """Make the database. Raises `ConfigurationInvalid` if the file is there."""
        if path.exists():
            raise ConfigurationInvalid(f"{path} already exists")
        engine = open_engine(path, "rwc")
        try:
            with engine.execution_options(write=True).begin() as connection:
                schema.upgrade(connection)
                connection.execute(insert(tables.identity).values(id=1, last_timestamp=0, **_identity_row(identity)))
        finally:
            engine.dispose()
        path.chmod(0o600)

    @classmethod
    def open(cls, path: Path, identity: Identity, *, check_schema: bool = True) -> Self:
        """Open the database. Raises `ConfigurationInvalid` with the reason why it must not be used."""
        if not path.is_file():
            raise ConfigurationInvalid(
                f"the database {path} is missing. A witness that forgot what it cosigned could cosign a "
                "fork, so it does not start. If the database is lost, make a new witness with new keys; restore no "
                "old copy"
            )
        store = cls(open_engine(path))
        try:
            store._check(path, identity, check_schema)
        except BaseException:
            store.close()
            raise
        return store

    def _check(self, path: Path, identity: Identity, check_schema: bool) -> None:
        try:
            with self._engine.begin() as connection:
                if check_schema:
                    schema.check_revision(connection)
                bound = connection.execute(select(tables.identity)).mappings().one_or_none()
                journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        except DatabaseError as error:
            raise ConfigurationInvalid(f"{path} is not a readable witness database: {error.orig}") from error
        if journal != "wal":
            raise ConfigurationInvalid(f"{path} is in journal mode {journal}, not WAL: what was done to it?")
        if bound is None or {k: bound[k] for k in _identity_row(identity)} != _identity_row(identity):
            owner = "nobody" if bound is None else repr(bound["name"])
            raise ConfigurationInvalid(
                f"the database {path} belongs to other keys or another name (made for {owner}, "
                f"asked by {identity.name!r}): what it remembers was not signed by these keys"
            )

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def migrate(self) -> None:
        """Bring an older database to this program's schema."""
        with self.writing() as connection:
            schema.upgrade(connection)

    def writing(self) -> AbstractContextManager[Connection]:
        """Return a transaction that holds the write lock from its beginning."""
        return self._writer.begin()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one moment of the database. Raises `Unavailable` if that fails."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DatabaseError as error:
            raise Unavailable(f"the database cannot be read: {error.orig}") from error

    def snapshot(self, origins: Iterable[str]) -> Snapshot:
        """Read these logs' records, and our own latest time, at one moment."""
        wanted = list(dict.fromkeys(origins))
        with self.reading() as connection:
            last = connection.execute(_LAST_TIMESTAMP).scalar_one()
            rows = connection.execute(LOGS, {"origins": wanted}).all()
            keys: dict[str, list[str]] = {}
            for origin, vkey in connection.execute(_LOG_KEYS, {"origins": wanted}):
                keys.setdefault(origin, []).append(vkey)
        return Snapshot(last, {row.origin: _record(row, tuple(sorted(keys.get(row.origin, ())))) for row in rows})

    def note_at(self, origin_hash: str) -> bytes | None:
        """Return the cosigned note of the log with this origin hash (hex); None if nothing was cosigned."""
        with self.reading() as connection:
            note: bytes | None = connection.execute(_NOTE, {"origin_hash": origin_hash}).scalar_one_or_none()
        return note

    def commit(self, changes: Sequence[Change]) -> list[Outcome]:
        """Apply all changes in one transaction; durable on return, one outcome per change.

        Raises `Unavailable` if the write lock could not be had (nothing was done), `StorageFault` if a write
        failed.
        """
        with self._write_turn, self._writer.connect() as connection:
            try:
                connection.begin()
            except OperationalError as error:
                raise Unavailable("the database is busy; nothing was signed") from error
            try:
                outcomes = apply_changes(connection, changes)
                # Crash before this COMMIT is durable: nothing is stored, no signature has left. After it: the state
                # is stored, the client without an answer is told 409 with the new size, and asks again.
                connection.commit()
            except DatabaseError as error:
                connection.invalidate()  # whatever it still holds open must not reach another request
                raise StorageFault(f"the database failed: {error.orig}") from error
        return outcomes


_LAST_TIMESTAMP = select(tables.identity.c.last_timestamp)
_LOG_KEYS = select(tables.log_key).where(tables.log_key.c.origin.in_(bindparam("origins", expanding=True)))
_NOTE = select(tables.log.c.note).where(tables.log.c.origin_hash == bindparam("origin_hash"))


def _identity_row(identity: Identity) -> dict[str, str]:
    return {
        "name": identity.name,
        "ed25519_vkey": identity.ed25519.encode(),
        "ml_dsa_44_vkey": identity.ml_dsa_44.encode(),
    }


def _record(row: Row[Any], vkeys: tuple[str, ...]) -> LogRecord:
    keys = [_trusted_key(vkey) for vkey in vkeys]
    log = TrustedLog(
        row.origin,
        tuple(verifier for _, verifier in keys),
        frozenset((vkey.name, vkey.key_id) for vkey, _ in keys if vkey.type is SignatureType.ED25519),
        row.requests_per_day,
    )
    return LogRecord(log, state_of(row), usage_of(row))


@lru_cache(maxsize=16_384)
def _trusted_key(text: str) -> tuple[VKey, Verifier]:
    vkey = parse_vkey(text)
    return vkey, verifier_for(vkey)

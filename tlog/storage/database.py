"""One open database: how transactions begin, and what is durable when they end.

SQLite runs in WAL mode with ``synchronous=FULL`` (a commit is on disk when it returns),
``secure_delete=ON`` (freed pages are overwritten) and ``BEGIN IMMEDIATE`` for every writing
transaction: a read that is upgraded to a write fails at once with SQLITE_BUSY, so no writer starts as
a reader (https://www.sqlite.org/lang_transaction.html). PostgreSQL runs at its default
``synchronous_commit=on``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError

from tlog.errors import ConfigurationInvalid, Locked, StorageFault, Unavailable

_SQLITE_BUSY_SECONDS = 10
_LOCK_NOT_AVAILABLE = "55P03"


class Database:
    """A database that exists, with one way to read and one way to write.

    Safe to use from several threads. `close` releases every connection.
    """

    def __init__(self, url: str, *, create: bool = False) -> None:
        """Open the database at an SQLAlchemy `url` (``sqlite:////path`` or ``postgresql+psycopg://…``).

        A missing SQLite file is created only with `create`: a service that starts on an empty database
        where there was a full one would forget what it signed. Raises `ConfigurationInvalid`.
        """
        self._url = _parse(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            _require_file(self._url, create=create)
        self.engine = self._engine("BEGIN IMMEDIATE")
        self._reader = (
            self._engine("BEGIN")
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ")
        )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one writing transaction; it is durable when the block ends, or nothing happened.

        Raises `StorageFault` or `Unavailable` where the database fails.
        """
        with _project_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run one reading transaction on a consistent snapshot. Raises as `write` does."""
        with _project_errors(), self._reader.begin() as connection:
            yield connection

    def maintain(self, statement: str, lock_seconds: float = 0) -> list[tuple[Any, ...]]:
        """Run one statement outside of any transaction, as VACUUM and checkpoints need it, and return its rows.

        On PostgreSQL it waits at most `lock_seconds` for a lock, without end if 0, and raises `Locked`.
        Else raises as `write` does.
        """
        with _project_errors():
            if not self.is_sqlite:
                with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.exec_driver_sql(f"SET lock_timeout = {int(1000 * lock_seconds)}")
                    try:
                        result = connection.exec_driver_sql(statement)
                        return [tuple(row) for row in result] if result.returns_rows else []
                    finally:
                        connection.exec_driver_sql("RESET lock_timeout")
            # SQLAlchemy would begin a transaction; the driver itself does not (`isolation_level=None`).
            raw = self.engine.raw_connection()
            try:
                cursor = raw.cursor()
                return [tuple(row) for row in cursor.execute(statement).fetchall()]
            except sqlite3.Error as error:
                raise Unavailable(f"the database can't be used now: {type(error).__name__}: {_code(error)}") from None
            finally:
                raw.close()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        self._reader.dispose()

    def _engine(self, begin: str) -> Engine:
        options: dict[str, Any] = {"pool_size": 4, "max_overflow": 4, "hide_parameters": True}
        if self.is_sqlite:
            # The driver's own implicit BEGIN is off; the "begin" hook below states how one starts.
            options["connect_args"] = {"timeout": _SQLITE_BUSY_SECONDS, "isolation_level": None}
        else:
            # A lost compare-and-swap must be seen as "no row updated", not as a serialization failure.
            options["isolation_level"] = "READ COMMITTED"
            options["pool_pre_ping"] = True
        engine = create_engine(self._url, **options)
        if self.is_sqlite:
            engine.dialect.statement_compiler = _WithHints
            event.listen(engine, "connect", _sqlite_pragmas)
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine


class _WithHints(SQLiteCompiler):
    """Writes `Select.with_hint` into statements (INDEXED BY …), which SQLAlchemy does for other databases only."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:  # noqa: ARG002 - the overridden one's
        return text


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise ConfigurationInvalid(f"not a database URL: {error}") from None


def _require_file(url: URL, *, create: bool) -> None:
    path = Path(url.database or "")
    if create:
        if path.exists():
            raise ConfigurationInvalid(f"{path} exists already; nothing was changed")
        path.touch(mode=0o600)
    elif not path.is_file():
        raise ConfigurationInvalid(
            f"the database {path} is missing. It is created by 'init' only, never by a service: "
            "an empty one would let a log or witness sign a second history"
        )


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-8192",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _project_errors() -> Iterator[None]:
    """Turn driver errors into ours; their text may quote what was to be stored, so it goes no further."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise Locked("the database can't be used now: somebody else holds a lock on it") from None
        raise Unavailable(f"the database can't be used now: {_driver_reason(error)}") from None
    except IntegrityError:
        raise  # a duplicate is an outcome, which the store that expects it names
    except DBAPIError as error:
        raise StorageFault(f"the database refused: {_driver_reason(error)}") from None


def _driver_reason(error: DBAPIError) -> str:
    original = error.orig
    return type(original).__name__ if original is None else f"{type(original).__name__}: {_code(original)}"


def _code(error: BaseException) -> str:
    for name in ("sqlite_errorname", "sqlstate"):
        if value := getattr(error, name, None):
            return str(value)
    return "no code"

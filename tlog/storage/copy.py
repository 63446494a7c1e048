"""A consistent copy of a database in one file, taken while others write to it, and how it is put back.

A copy is made inside a reading transaction, so whatever else is read in that transaction is of the same moment:

    with database.read() as connection:
        facts = …                                  first a SELECT: it is what takes the snapshot
        copy_database(connection, to, progress)

SQLite: the online backup API (https://www.sqlite.org/backup.html) on the connection of that transaction. A snapshot
of its own keeps the copy from starting anew each time that somebody commits. The copy needs no ``-wal`` beside it.
While it is taken, the write-ahead log grows, and an erasure waits before it empties that.
PostgreSQL: `tlog/storage/postgres_tools.py`, with the exported snapshot of that transaction.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, make_url

from tlog.errors import ConfigurationInvalid, StorageFault
from tlog.storage.database import Database
from tlog.storage.durable import sync_file, sync_folder
from tlog.storage.migrate import Chain, require_current, upgrade
from tlog.storage.postgres_tools import dump, require_readable, restore

Progress = Callable[[int, int], None]
"""Told how much is done, of how much."""
PAGES: Final = 1000
SQLITE_SUFFIX: Final = ".sqlite3"
POSTGRES_SUFFIX: Final = ".pgdump"


def copy_name(connection: Connection, stem: str) -> str:
    """Return what a copy of this database is called: its kind is in the name."""
    return stem + (SQLITE_SUFFIX if connection.dialect.name == "sqlite" else POSTGRES_SUFFIX)


def database_bytes(connection: Connection) -> int:
    """Return about how many bytes a copy takes, at most."""
    if connection.dialect.name == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def schema_revision(connection: Connection) -> str | None:
    """Return the revision of the schema, None where there is none."""
    return MigrationContext.configure(connection).get_current_revision()


def copy_database(connection: Connection, to: Path, progress: Progress) -> None:
    """Copy the snapshot of a reading transaction to a new file (0600), durable and checked on return.

    Raises `StorageFault`, also for a database that is damaged, `ConfigurationInvalid` where a program is missing.
    A crash leaves a file that nothing calls a copy: the manifest that names it comes later.
    """
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    if connection.dialect.name == "sqlite":
        _copy_sqlite(connection, to, progress)
    else:
        snapshot = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
        dump(connection.engine.url, snapshot, to)
        progress(1, 1)
    sync_file(to)
    sync_folder(to.parent)
    check_copy(to)


def check_copy(path: Path) -> None:
    """Raise `StorageFault` unless the file is a whole copy, as far as the database's own tools tell."""
    if path.suffix == POSTGRES_SUFFIX:
        require_readable(path)
        return
    try:
        # Immutable: to look at a copy must not make files beside it.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as copy:
            found = copy.execute("PRAGMA integrity_check").fetchall()
    except sqlite3.Error as error:
        raise StorageFault(f"{path} is no whole SQLite database: {_code(error)}") from None
    if found != [("ok",)]:
        raise StorageFault(f"{path} is a damaged SQLite database: {len(found)} faults")


def require_empty(url: str, suffix: str) -> None:
    """Raise `ConfigurationInvalid` unless a copy of this kind can be put back into the database at `url`."""
    kind = POSTGRES_SUFFIX if make_url(url).get_backend_name() == "postgresql" else SQLITE_SUFFIX
    if kind != suffix:
        raise ConfigurationInvalid(f"a copy *{suffix} can't be put into a database of the other kind (*{kind})")
    if kind == SQLITE_SUFFIX:
        return  # A file in a folder that does not exist yet.
    database = Database(url)
    try:
        with database.read() as connection:
            tables = inspect(connection).get_table_names()
    finally:
        database.close()
    if tables:
        raise ConfigurationInvalid(
            f"the database {make_url(url).render_as_string(hide_password=True)} is not empty: it has {len(tables)} "
            "tables. Make an empty one (an interrupted restore may have filled this one); nothing was changed"
        )


def put_back(copy: Path, url: str, chain: Chain) -> None:
    """Make the database at `url` from a copy, at this program's schema; durable on return.

    Raises `ConfigurationInvalid` for a copy of a newer schema, `StorageFault`, `Unavailable`.
    """
    if copy.suffix == SQLITE_SUFFIX:
        _put_file(copy, Path(make_url(url).database or ""))
    else:
        restore(make_url(url), copy)
    database = Database(url)
    try:
        upgrade(database, chain)
        require_current(database, chain)
    except CommandError:
        raise ConfigurationInvalid(f"{copy} has a schema that this version does not know: use a newer one") from None
    finally:
        database.close()


def _copy_sqlite(connection: Connection, to: Path, progress: Progress) -> None:
    source = connection.connection.driver_connection
    if not isinstance(source, sqlite3.Connection):
        raise StorageFault("the database's driver is not the one that copies are made with")
    try:
        with closing(sqlite3.connect(to, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode=OFF")  # A copy that was not finished is of no use anyway.
            source.backup(copy, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))
            copy.execute("PRAGMA journal_mode=DELETE")  # Else the file's header asks for a -wal beside it.
    except sqlite3.Error as error:
        raise StorageFault(f"the database can't be copied: {_code(error)}") from None


def _put_file(copy: Path, to: Path) -> None:
    try:
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file, copy.open("rb") as source:
            shutil.copyfileobj(source, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageFault(f"{to} can't be written: {error.strerror}") from None
    check_copy(to)


def _code(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", type(error).__name__))

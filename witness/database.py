"""SQLite as a witness needs it: durable on commit, one writer at a time, and never made by accident."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event

BUSY_SECONDS = 10


def open_engine(path: Path, mode: Literal["rw", "rwc"] = "rw") -> Engine:
    """Return an engine on the file. Mode `rw` fails where there is no file; only `init` uses `rwc`.

    Transactions begin as BEGIN IMMEDIATE under the execution option `write=True`: an upgrade from read to
    write would fail at once with BUSY, and the compare of a compare-and-swap would be outside the write lock.
    """
    engine = create_engine(f"sqlite:///file:{quote(str(path.absolute()))}?mode={mode}&uri=true")
    event.listen(engine, "connect", _set_up)
    if mode == "rwc":
        event.listen(engine, "connect", _use_wal)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA synchronous = FULL")  # the WAL is fsynced before COMMIT returns
    connection.execute("PRAGMA foreign_keys = ON")


def _use_wal(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")  # the file keeps it; `Store.open` checks


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

"""Databases at the newest schema, made fast: what migrating made once is copied. Migrating has tests of its own."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.postgres import binaries, new_database
from tlog.storage.database import Database
from tlog.storage.migrate import Chain, upgrade


def fresh_database(url: str, chain: Chain) -> Database:
    """Open the database at `url`, which is new (SQLite: not there, else empty), at the newest schema of `chain`."""
    database = Database(url, create=True)
    if database.is_sqlite:
        Path(make_url(url).database or "").write_bytes(_migrated_file(chain))
    else:
        _execute(url, _migrated_script(chain, Path(_socket(url))))
    return database


@cache
def _migrated_file(chain: Chain) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        database = Database(f"sqlite:///{path}", create=True)
        upgrade(database, chain)
        database.maintain("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return path.read_bytes()


@cache
def _migrated_script(chain: Chain, socket: Path) -> str:
    url = new_database(socket)
    database = Database(url, create=True)
    upgrade(database, chain)
    database.close()
    name = make_url(url).database or ""
    command = [str(binaries() / "pg_dump"), "--inserts", "-h", str(socket), "-U", "postgres", name]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    return "\n".join(line for line in dumped.splitlines() if not line.startswith("\\"))  # psql's own commands


def _execute(url: str, script: str) -> None:
    name = make_url(url).database
    with psycopg.connect(host=_socket(url), user="postgres", dbname=name, autocommit=True) as connection:
        connection.execute(script.encode())


def _socket(url: str) -> str:
    host = make_url(url).query["host"]
    return host if isinstance(host, str) else host[0]

"""Databases at the newest schema, made fast: a migrated SQLite file is copied. Migrating has tests of its own."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import make_url

from tlog.storage.database import Database
from tlog.storage.migrate import Chain, upgrade


def fresh_database(url: str, chain: Chain) -> Database:
    """Open the database at `url`, which is new (SQLite: not there, else empty), at the newest schema of `chain`."""
    database = Database(url, create=True)
    if database.is_sqlite:
        Path(make_url(url).database or "").write_bytes(_migrated(chain))
    else:
        upgrade(database, chain)
    return database


@cache
def _migrated(chain: Chain) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        database = Database(f"sqlite:///{path}", create=True)
        upgrade(database, chain)
        database.maintain("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return path.read_bytes()

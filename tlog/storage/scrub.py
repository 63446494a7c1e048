"""After a deletion: remove what is left of it in the database's files.

SQLite overwrites what it deletes (``secure_delete``), but the write-ahead log holds earlier pages until a checkpoint
empties it (https://www.sqlite.org/wal.html). PostgreSQL leaves dead rows in the table until VACUUM takes their place
into use again, and their bytes until something is written there; only VACUUM FULL writes the table anew
(https://www.postgresql.org/docs/current/sql-vacuum.html). So the small tables of keys are written anew, and of the
large ones the ciphertexts that may remain have lost their key.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, sleep
from typing import Final

from sqlalchemy import Table

from tlog.errors import Locked, Unavailable
from tlog.storage.database import Database

WAIT_SECONDS: Final = 30.0
LOCK_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 1.0


def scrub(database: Database, large: Sequence[Table] = (), small: Sequence[Table] = ()) -> None:
    """Clean the files of a database; call it after the deletion was committed. Blocks.

    `large` tables are vacuumed on PostgreSQL, `small` ones written anew. On SQLite the write-ahead log is emptied,
    whatever the tables. Raises `Unavailable` where that is not possible now: readers hold on to it for too long.
    """
    if database.is_sqlite:
        _empty_wal(database)
    else:
        _vacuum(database, large, small)


def _empty_wal(database: Database) -> None:
    deadline = monotonic() + WAIT_SECONDS
    while True:
        [(busy, left, _)] = database.maintain("PRAGMA wal_checkpoint(TRUNCATE)")
        if not busy and not left:
            return
        if monotonic() > deadline:
            raise Unavailable("the write-ahead log can't be emptied: something reads the database for too long")
        sleep(0.05)


def _vacuum(database: Database, large: Sequence[Table], small: Sequence[Table]) -> None:
    for table in large:  # Who waits for this lock is in nobody's way, neither of readers nor of writers.
        database.maintain(f"VACUUM {table.name}", WAIT_SECONDS)
    deadline = monotonic() + WAIT_SECONDS
    for table in small:
        _rewrite(database, table, deadline)


def _rewrite(database: Database, table: Table, deadline: float) -> None:
    """Write a table anew. Everybody who comes while this waits for its lock waits behind it: so it waits briefly, and
    between two attempts lets them through."""
    while True:
        try:
            database.maintain(f"VACUUM FULL {table.name}", LOCK_SECONDS)
        except Locked:
            if monotonic() > deadline:
                raise Unavailable(
                    f"the table {table.name} can't be written anew: something reads it for too long"
                ) from None
            sleep(PAUSE_SECONDS)
        else:
            return

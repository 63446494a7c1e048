"""What must be gone from a log's files, as bytes; and whether PostgreSQL's tables were cleaned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.storage.test_scrub import reader
from tests.support import MadeLog
from tlog.storage.database import Database
from tlog.storage.erasure_store import ErasureStore
from tlog.storage.index_terms import TERM_BYTES
from tlog.storage.keyring_store import KeyringStore
from tlog.storage.log_store import StoredEntry

Traces = dict[str, bytes]
"""Bytes that may be in no file any more: what they are of, and what they are."""
_CIPHERTEXT = slice(13, 45)  # after version and nonce
LARGE = ("personal", "entries", "terms")


def files_of(made: MadeLog, request: pytest.FixtureRequest) -> Callable[[], bytes]:
    """Return what reads every file of both databases of a log, and of no other: write-ahead logs included on SQLite,
    heaps and indexes on PostgreSQL."""
    readers = [_reader(database, request) for database in (made.parts.database, made.keyring_database)]
    return lambda: b"".join(read() for read in readers)


class ContentBefore:
    """What is in the files of a log's two databases before it opens them, and on PostgreSQL where its tables are."""

    def __init__(self, urls: tuple[str, str], request: pytest.FixtureRequest) -> None:
        databases = [Database(url) for url in urls]
        self.content = b"".join(_reader(database, request)() for database in databases)
        self.tables = {} if databases[0].is_sqlite else table_files(databases[0])
        for database in databases:
            database.close()


def key_traces(made: MadeLog, role: str, identity: str) -> Traces:
    """Return what the keyring holds of a person."""
    [person] = KeyringStore(made.keyring_database).persons_by_id([key_of(made, role, identity)]).values()
    return {"the wrapped key": person.wrapped, "the person's hash": person.person_hash or b""}


def key_of(made: MadeLog, role: str, identity: str) -> int:
    """Return the number of a person's key."""
    key_id = made.parts.keyring.find_person(role, identity)
    assert key_id is not None
    return key_id


def part_traces(made: MadeLog, key_id: int) -> Traces:
    """Return what an erasure takes from the log's database: a person's parts; a subject's shared parts and terms."""
    traces: Traces = {}
    for place in ErasureStore(made.parts.database).places(key_id):
        row = made.log.entries.stored(place.at)
        traces[f"part {place.part} of entry {place.at}"] = row.personal[place.part].ciphertext[_CIPHERTEXT]
        if place.part:
            traces |= _shared_traces(row)
    return traces


def entry_traces(rows: Iterable[StoredEntry]) -> Traces:
    """Return what an expiry takes from the log's database: every part of these entries, and their terms."""
    traces: Traces = {}
    for row in rows:
        traces |= _shared_traces(row)
        traces[f"core of entry {row.index}"] = row.columns["core"][_CIPHERTEXT]
        for part in row.personal:
            traces[f"part {part.part} of entry {row.index}"] = part.ciphertext[_CIPHERTEXT]
    return traces


def found(traces: Mapping[str, bytes], content: bytes) -> list[str]:
    """Return which of the traces are somewhere in these bytes."""
    assert all(traces.values())
    return [name for name, value in traces.items() if value in content]


def vacuumed(database: Database) -> set[str]:
    """Return the tables of a PostgreSQL database that were vacuumed by command; VACUUM FULL does not count."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT relname FROM pg_stat_user_tables WHERE vacuum_count > 0"))
        return set(rows.scalars())


def table_files(database: Database) -> dict[str, int]:
    """Return the number of each table's file on PostgreSQL; VACUUM FULL gives it another one."""
    query = "SELECT relname, pg_relation_filenode(relid) AS number FROM pg_stat_user_tables"
    with database.read() as connection:
        return {row.relname: row.number for row in connection.execute(text(query))}


def require_cleaned(database: Database, before: Mapping[str, int], small: Iterable[str]) -> None:
    """Require that the large tables of a log's PostgreSQL database were vacuumed, and these small ones written anew
    since `before` (`table_files`)."""
    assert set(LARGE) <= vacuumed(database)
    after = table_files(database)
    assert [name for name in small if after[name] == before[name]] == []


def _reader(database: Database, request: pytest.FixtureRequest) -> Callable[[], bytes]:
    path = Path(database.engine.url.database or "")
    if not database.is_sqlite:
        return reader(database, path, request)
    return lambda: b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def _shared_traces(row: StoredEntry) -> Traces:
    if row.columns["shared"] is None:
        return {}
    packed = row.columns["terms"]
    terms = [packed[start : start + TERM_BYTES] for start in range(0, len(packed), TERM_BYTES)]
    named = {f"term {number} of entry {row.index}": term for number, term in enumerate(terms)}
    return named | {f"the shared part of entry {row.index}": row.columns["shared"][_CIPHERTEXT]}

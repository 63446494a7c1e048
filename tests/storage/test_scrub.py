"""What was deleted is in no file of the database after scrubbing; and would be without it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import urandom
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import delete, insert, select, text

from tests.conftest import NewUrl
from tests.postgres import new_database
from tests.storage.conftest import open_new
from tlog.errors import Unavailable
from tlog.storage import scrub as module
from tlog.storage.database import Database
from tlog.storage.scrub import scrub
from tlog.storage.tables import cohort_keys, person_keys

SMALL = (person_keys, cohort_keys)


def test_a_deleted_key_is_in_no_file(new_url: NewUrl, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    database = open_new(new_url(), "keyring")
    keys = [(int.from_bytes(urandom(7)), urandom(32), urandom(69)) for _ in range(3000)]
    for start in range(0, len(keys), 100):
        with database.write() as connection:
            for key_id, person_hash, wrapped in keys[start : start + 100]:
                connection.execute(insert(person_keys).values(key_id=key_id, person_hash=person_hash, wrapped=wrapped))
    content = reader(database, tmp_path, request)
    gone = keys[::300]
    assert all(key[1] in content() and key[2] in content() for key in gone[:1])
    with database.write() as connection:
        for key_id, _, _ in gone:
            connection.execute(delete(person_keys).where(person_keys.c.key_id == key_id))
    left = content()
    assert any(key[1] in left or key[2] in left for key in gone), "there is nothing to scrub"
    scrub(database, small=SMALL)
    left = content()
    assert [key[0] for key in gone if key[1] in left or key[2] in left] == []
    assert keys[1][2] in left
    database.close()


def reader(database: Database, folder: Path, request: pytest.FixtureRequest) -> Callable[[], bytes]:
    """Return what reads every file of the database: heap and indexes, or the file and its write-ahead log."""
    if database.is_sqlite:
        return lambda: b"".join(path.read_bytes() for path in sorted(folder.rglob("*.db*")))
    data: Path = request.getfixturevalue("postgres_socket") / "data"

    def read() -> bytes:
        database.maintain("CHECKPOINT")
        with database.read() as connection:
            number = connection.execute(
                text("SELECT oid FROM pg_database WHERE datname = current_database()")
            ).scalar_one()
        return b"".join(path.read_bytes() for path in sorted((data / "base" / str(number)).iterdir()))

    return read


@contextmanager
def reading(database: Database) -> Iterator[None]:
    """Hold a reading transaction on the persons' keys open for the length of the block, as a dump does."""
    begun, end = threading.Event(), threading.Event()

    def read() -> None:
        with database.read() as connection:
            connection.execute(select(person_keys)).all()
            begun.set()
            end.wait(60)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        assert begun.wait(10)
        yield
    finally:
        end.set()
        thread.join()


def test_a_reader_that_does_not_end_is_said(new_url: NewUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.1)
    url = new_url()
    database = open_new(url, "keyring")
    with reading(database):
        with database.write() as connection:
            connection.execute(insert(cohort_keys).values(cohort="a", wrapped=b"w"))
        with pytest.raises(Unavailable, match=r"reads (the database|it) for too long"):
            scrub(database, small=SMALL)
    scrub(database, small=SMALL)
    if database.is_sqlite:
        assert Path(url.removeprefix("sqlite:///") + "-wal").stat().st_size == 0
    else:
        assert database.maintain("SHOW lock_timeout") == [("0",)], "the connection is as it was"
    database.close()


@pytest.mark.postgres
def test_nobody_waits_for_long_behind_what_waits_for_a_reader(
    postgres_socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader comes while the rewrite waits in the lock's queue; it is answered though the first one never ends."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 3.0)
    database = open_new(new_database(postgres_socket), "keyring")
    failures: list[Unavailable] = []

    def clean() -> None:
        try:
            scrub(database, small=SMALL)
        except Unavailable as error:
            failures.append(error)

    thread = threading.Thread(target=clean)
    with reading(database):
        thread.start()
        for _ in range(2):  # while it waits, and while it waits again
            wait_for_queue(database)
            with database.read() as connection:
                connection.execute(text("SET LOCAL statement_timeout = '5s'"))
                connection.execute(select(person_keys)).all()
        thread.join(20)
        assert not thread.is_alive(), "it gives up"
    thread.join()
    assert len(failures) == 1
    database.close()


def wait_for_queue(database: Database) -> None:
    """Return once somebody waits to have the persons' keys alone."""
    query = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' "
        "AND relation = 'person_keys'::regclass"
    )
    deadline = monotonic() + 20
    while monotonic() < deadline:
        with database.read() as connection:
            if connection.execute(query).scalar_one():
                return
    raise AssertionError("nobody waits")

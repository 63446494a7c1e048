"""A copy taken while others write is of one moment, is checked, and comes back as it was; on every database."""

from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.conftest import NewUrl
from tlog.errors import ConfigurationInvalid, StorageFault
from tlog.storage import copy as copying
from tlog.storage import postgres_tools
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.copy import check_copy, copy_database, copy_name, database_bytes, put_back, require_empty
from tlog.storage.database import Database
from tlog.storage.log_store import LogStore
from tlog.storage.tables import log_state


def append(database: Database, count: int) -> None:
    AppendStore(database).append([SealedRequest([NewRow(bytes(32)) for _ in range(count)], 0)])


def copied(database: Database, folder: Path) -> tuple[int, Path]:
    """Copy a database and return the size it had in the same transaction, and the file."""
    with database.read() as connection:
        size = connection.execute(log_state.select()).one().size
        append(database, 7)  # Somebody commits before the copy begins: it is not in the snapshot.
        to = folder / copy_name(connection, "log")
        copy_database(connection, to, lambda *_: None)
    return size, to


def test_a_copy_is_of_the_moment_of_its_transaction_and_comes_back(
    database: Database, new_url: NewUrl, tmp_path: Path
) -> None:
    append(database, 1000)
    size, copy = copied(database, tmp_path)
    assert size == 1000
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("log")] == [copy.name], "one file"
    url = new_url()
    require_empty(url, copy.suffix)
    put_back(copy, url, "log")
    back = Database(url)
    try:
        assert LogStore(back).state().size == 1000
        assert len(LogStore(back).leaves(0, 1000)) == 1000
        append(back, 1)
    finally:
        back.close()
    with pytest.raises(ConfigurationInvalid) if not database.is_sqlite else pytest.raises(StorageFault):
        require_empty(url, copy.suffix)
        put_back(copy, url, "log")


def test_a_copy_ends_although_somebody_writes_without_pause(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(database, 5000)
    monkeypatch.setattr(copying, "PAGES", 1)
    stop, started = threading.Event(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            append(database, 5)
            started.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert started.wait(10)
        with database.read() as connection:
            assert connection.execute(log_state.select()).one().size >= 5000
            assert database_bytes(connection) > 5000 * 32
            seen: list[tuple[int, int]] = []
            to = tmp_path / copy_name(connection, "copy")
            copy_database(connection, to, lambda done, total: seen.append((done, total)))
    finally:
        stop.set()
        writer.join()
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen), "it started anew"


def test_a_mangled_or_cut_copy_is_refused(database: Database, tmp_path: Path) -> None:
    append(database, 500)
    _, copy = copied(database, tmp_path)
    whole = copy.read_bytes()
    check_copy(copy)
    copy.write_bytes(whole[: len(whole) // 2] if database.is_sqlite else whole[:64])
    with pytest.raises(StorageFault):
        check_copy(copy)
    copy.write_bytes(b"\x00" + whole[1:])
    with pytest.raises(StorageFault):
        check_copy(copy)


def test_a_copy_is_never_written_over(database: Database, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(b"here already")
    with database.read() as connection, pytest.raises(FileExistsError):
        copy_database(connection, tmp_path / "copy", lambda *_: None)
    assert (tmp_path / "copy").read_bytes() == b"here already"


def test_a_damaged_database_is_not_called_copied(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/log.db", create=True)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE t (a, b UNIQUE)")
        connection.exec_driver_sql("INSERT INTO t VALUES (1, 1), (2, 2)")
        connection.exec_driver_sql("PRAGMA writable_schema=ON")
        connection.exec_driver_sql("UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'sqlite_autoindex_t_1'")
    with closing(sqlite3.connect(tmp_path / "log.db")), pytest.raises(StorageFault):  # noqa: SIM117
        with database.read() as connection:
            copy_database(connection, tmp_path / "copy", lambda *_: None)
    database.close()


def test_a_newer_schema_is_refused(database: Database, new_url: NewUrl, tmp_path: Path) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    _, copy = copied(database, tmp_path)
    with pytest.raises(ConfigurationInvalid, match="newer"):
        put_back(copy, new_url(), "log")


def test_the_kinds_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="other kind"):
        require_empty(f"sqlite:///{tmp_path}/x", ".pgdump")
    with pytest.raises(ConfigurationInvalid, match="other kind"):
        require_empty("postgresql+psycopg://localhost/x", ".sqlite3")


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_tools, "INSTALLED", tmp_path)
    with pytest.raises(ConfigurationInvalid, match="pg_dump is on neither the PATH nor"):
        postgres_tools.program("pg_dump")
    for version in ("9.6", "15", "18"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "pg_dump").touch()
    assert postgres_tools.program("pg_dump") == str(tmp_path / "18" / "bin" / "pg_dump")


def test_a_password_is_on_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "pg_restore"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$0.args"; printf %s "$PGPASSWORD" > "$0.password"\n')
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    url = make_url("postgresql+psycopg://tlog:hush%40x@db.example:5433/audit?sslmode=verify-full")
    postgres_tools.restore(url, tmp_path / "copy")
    arguments = (tmp_path / "pg_restore.args").read_text()
    assert "hush" not in arguments
    assert (tmp_path / "pg_restore.password").read_text() == "hush@x"
    for part in ("host=db.example", "port=5433", "user=tlog", "dbname=audit", "sslmode=verify-full"):
        assert part in arguments
    with pytest.raises(ConfigurationInvalid, match="sslpassword"):
        postgres_tools.restore(url.update_query_dict({"sslpassword": "hush"}), tmp_path / "copy")

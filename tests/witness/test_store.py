"""When the database must not be opened, and what it promises while it is open."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tests.witness.conftest import NAME, NOW, Bench
from tests.witness.log_simulator import LogSimulator
from tlog.errors import ConfigurationInvalid, Unavailable
from witness import database, schema, tables
from witness.directory import create_directory, load_cosigner, open_store, read_identity
from witness.store import DATABASE_FILE


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    create_directory(tmp_path / "w", NAME)
    return tmp_path / "w"


def refused(directory: Path) -> str:
    with pytest.raises(ConfigurationInvalid) as refusal:
        open_store(directory)
    return str(refusal.value)


def test_missing_database_is_not_made(directory: Path) -> None:
    (directory / DATABASE_FILE).unlink()
    assert "missing" in refused(directory)
    assert not (directory / DATABASE_FILE).exists()


def test_engine_never_makes_a_file(tmp_path: Path) -> None:
    """Not even if the file goes away between the check and the opening."""
    engine = database.open_engine(tmp_path / "gone.sqlite3")
    with pytest.raises(Exception, match="unable to open"):
        engine.connect()
    engine.dispose()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be read as a header of one" * 20])
def test_file_that_is_no_database(directory: Path, content: bytes) -> None:
    (directory / DATABASE_FILE).write_bytes(content)
    assert refused(directory)
    assert (directory / DATABASE_FILE).read_bytes() == content


def test_database_of_another_key(directory: Path, tmp_path: Path) -> None:
    create_directory(tmp_path / "other", NAME)
    shutil.copy(tmp_path / "other" / DATABASE_FILE, directory / DATABASE_FILE)
    assert "other keys" in refused(directory)


def test_database_of_another_name(directory: Path) -> None:
    """The same keys under another name are another witness: an Ed25519 cosignature does not name its signer."""
    cosigner = load_cosigner(directory)
    with sqlite3.connect(directory / DATABASE_FILE) as connection:
        connection.execute("UPDATE identity SET name = 'another.example'")
    connection.close()
    assert "another.example" in refused(directory)
    assert cosigner.identity == read_identity(directory)


def test_older_schema(directory: Path) -> None:
    with sqlite3.connect(directory / DATABASE_FILE) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    assert "migrate" in refused(directory)


def test_migrations_make_the_tables(bench: Bench) -> None:
    with bench.store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_revision_is_the_newest_step() -> None:
    scripts = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert scripts.get_heads() == [schema.REVISION]


def test_durability_settings(bench: Bench) -> None:
    with bench.store.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_every_answer_is_in_the_file(bench: Bench, log: LogSimulator) -> None:
    """A second connection, as after a crash, reads each answered state from the disk."""
    for old, new in [(0, 4), (4, 9)]:
        bench.submit(log.request(old, new))
        reader = sqlite3.connect(bench.directory / DATABASE_FILE)
        assert reader.execute("SELECT size, timestamp FROM log").fetchall() == [(new, NOW)]
        reader.close()


def test_write_lock_held_by_another_process(bench: Bench, log: LogSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is signed, and the witness is not halted: the lock may come free again."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    blocker = sqlite3.connect(bench.directory / DATABASE_FILE, isolation_level=None)
    bench.store.close()  # connections made from here on do not wait
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        bench.submit(log.request(0, 5))
    blocker.execute("ROLLBACK")
    blocker.close()
    bench.verify(log.text(5), bench.submit(log.request(0, 5)))


def test_database_taken_out_of_wal_mode(directory: Path) -> None:
    connection = sqlite3.connect(directory / DATABASE_FILE)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    assert "WAL" in refused(directory)


def test_private_database(directory: Path) -> None:
    assert (directory / DATABASE_FILE).stat().st_mode & 0o077 == 0

"""What a database promises before anything is stored in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, text

from tests.conftest import NewUrl
from tests.storage.conftest import open_new
from tlog.errors import ConfigurationInvalid, StorageFault, Unavailable
from tlog.storage.database import Database
from tlog.storage.migrate import require_current
from tlog.storage.tables import personal


def test_a_missing_database_is_not_made_by_opening_it(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with pytest.raises(ConfigurationInvalid, match="is missing"):
        Database(f"sqlite:///{path}")
    assert not path.exists()


def test_an_existing_database_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(b"precious")
    with pytest.raises(ConfigurationInvalid, match="exists already"):
        Database(f"sqlite:///{path}", create=True)
    assert path.read_bytes() == b"precious"


def test_a_new_sqlite_file_is_private(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path}/log.db", create=True).close()
    assert (tmp_path / "log.db").stat().st_mode & 0o777 == 0o600


def test_sqlite_is_durable_and_overwrites_what_it_frees(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/log.db", create=True)
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    for block in (database.read, database.write):
        with block() as connection:
            found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in wanted}
        assert found == wanted
    database.close()


def test_a_writer_waits_from_its_start(tmp_path: Path) -> None:
    """BEGIN IMMEDIATE: while one transaction writes, another can't even begin to."""
    database = Database(f"sqlite:///{tmp_path}/log.db", create=True)
    with database.write(), pytest.raises(Unavailable), database.write() as second:
        second.execute(text("SELECT 1"))  # pragma: no cover - never reached
    database.close()


@pytest.mark.parametrize("url", ["", "nonsense", "://"])
def test_a_bad_url_is_a_configuration_fault(url: str) -> None:
    with pytest.raises(ConfigurationInvalid):
        Database(url)


def test_errors_do_not_quote_what_was_to_be_stored(new_url: NewUrl) -> None:
    database = open_new(new_url(), "log")
    with pytest.raises((StorageFault, Unavailable)) as caught, database.write() as connection:  # noqa: PT012
        row = {"log_index": 1, "part": 0, "key_id": "Ada Lovelace", "ciphertext": b""}
        connection.execute(insert(personal), [row])
        connection.execute(text("SELECT no_such_function(:name)"), {"name": "Ada Lovelace"})
    assert "Ada" not in f"{caught.value} {caught.value.__cause__}"
    database.close()


def test_an_old_schema_is_refused(new_url: NewUrl) -> None:
    database = Database(new_url(), create=True)
    with pytest.raises(ConfigurationInvalid, match="tlog migrate"):
        require_current(database, "log")
    database.close()

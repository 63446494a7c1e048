from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import NewUrl
from tests.fresh import fresh_database
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.storage.append_store import AppendStore
from tlog.storage.database import Database
from tlog.storage.log_store import LogStore
from tlog.storage.migrate import Chain, upgrade


def open_new(url: str, chain: Chain) -> Database:
    """Make a database by migrating it, as an operator does."""
    database = Database(url, create=True)
    upgrade(database, chain)
    return database


@pytest.fixture
def database(new_url: NewUrl) -> Iterator[Database]:
    database = fresh_database(new_url(), "log")
    LogStore(database).create("example.com/log", EMPTY_ROOT)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> LogStore:
    return LogStore(database)


@pytest.fixture
def appends(database: Database) -> AppendStore:
    return AppendStore(database)


@pytest.fixture
def keyring_database(new_url: NewUrl) -> Iterator[Database]:
    database = fresh_database(new_url(), "keyring")
    yield database
    database.close()

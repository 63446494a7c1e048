"""The migrations make exactly the schema that the tables describe."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect

from tests.conftest import NewUrl
from tests.storage.conftest import open_new
from tlog.storage.migrate import Chain, require_current, upgrade
from tlog.storage.tables import keyring_metadata, log_metadata

CHAINS: list[tuple[Chain, MetaData]] = [("log", log_metadata), ("keyring", keyring_metadata)]


@pytest.mark.parametrize(("chain", "metadata"), CHAINS, ids=["log", "keyring"])
def test_migrations_and_tables_agree(chain: Chain, metadata: MetaData, new_url: NewUrl) -> None:
    database = open_new(new_url(), chain)
    require_current(database, chain)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
    database.close()


def test_upgrading_twice_changes_nothing(new_url: NewUrl) -> None:
    database = open_new(new_url(), "log")
    upgrade(database, "log")
    require_current(database, "log")
    database.close()

"""Schema versions: bring a database to the newest one, or refuse to run on another.

A service never migrates by itself: an operator does, after a backup (`tlog migrate`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tlog.errors import ConfigurationInvalid
from tlog.storage.database import Database

Chain = Literal["log", "keyring"]


def upgrade(database: Database, chain: Chain, to: str = "head") -> None:
    """Apply every missing revision of `chain`, up to the revision `to`, in one transaction."""
    config = _config(chain)
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def require_current(database: Database, chain: Chain) -> None:
    """Raise `ConfigurationInvalid` unless the database is at the newest revision of `chain`."""
    head = ScriptDirectory.from_config(_config(chain)).get_current_head()
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != head:
        raise ConfigurationInvalid(
            f"the {chain} database is at schema {found or 'none'}, this program needs {head}: "
            "make a backup, then run 'tlog migrate'"
        )


def _config(chain: Chain) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations" / chain))
    config.set_main_option("path_separator", "os")
    return config

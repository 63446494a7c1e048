"""The schema's version: alembic's steps run by `init` and `migrate`, and the check that `serve` makes."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tlog.errors import ConfigurationInvalid


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str | None:
    """Return the revision that this program was written for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the database is at; None if it never had one."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision, inside the connection's transaction."""
    command.upgrade(_config(connection), "head")


def check_revision(connection: Connection) -> None:
    """Raise `ConfigurationInvalid` unless the database has the shape this program was written for."""
    found, wanted = revision_of(connection), newest_revision()
    if found != wanted:
        raise ConfigurationInvalid(
            f"the database is at schema {found or 'none'}, this program needs {wanted}: "
            "run `tlog-witness migrate DIR`, or the version of tlog-witness that wrote it"
        )

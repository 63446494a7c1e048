"""The schema's version: alembic's steps run by `init` and `migrate`, and the check that `serve` makes.

alembic is imported only where a step is run: it costs every other start more time than the rest of the program.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from tlog.errors import ConfigurationInvalid

REVISION = "0001"
"""The revision this program was written for: the newest under `witness/migrations/versions`."""


def upgrade(connection: Connection) -> None:
    """Bring the database to the newest revision, inside the connection's transaction."""
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check_revision(connection: Connection) -> None:
    """Raise `ConfigurationInvalid` unless the database has the shape this program was written for."""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if found != REVISION:
        raise ConfigurationInvalid(
            f"the database is at schema {found or 'none'}, this program needs {REVISION}: "
            "run `tlog-witness migrate DIR`, or the version of tlog-witness that wrote it"
        )

"""`tlog migrate`: bring the databases of an older version to this one's schema, and what they hold to its form."""

from __future__ import annotations

from pathlib import Path

from tlog.cli.config import Config
from tlog.cli.data_folder import DataFolder, exclusive, open_folder, open_log_database, read_config
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, new_app, notice
from tlog.cli.progress_bar import progress_bar
from tlog.client.words import counted
from tlog.errors import ConfigurationInvalid
from tlog.service.reindex import Reindexed, compute_missing_terms, count_missing_terms
from tlog.storage.cohort_sizes import recount
from tlog.storage.database import Database
from tlog.storage.migrate import Chain, require_current, upgrade

app = new_app()

EXAMPLES = """\b
Example, with the log stopped:
  cp -a ./log ./log.backup
  tlog migrate ./log
Refused while 'tlog serve' runs on the folder. Running it twice is harmless; interrupted, it goes on where it was.
"""


@app.command(epilog=EXAMPLES)
def migrate(folder: Folder, as_json: AsJson = False) -> None:
    """Migrate the log's and the keyring's database. Make a backup first; stop the log first."""
    data = DataFolder(folder)
    config = read_config(data)
    with exclusive(data):
        _make_records(data, config)
        _migrate(data.database_url(config), "log")
        _migrate(data.keyring_url(config), "keyring")
        _recount(folder)
        indexed = _index(folder, as_json) if _is_missing_terms(folder) else Reindexed(0, 0)
    if indexed.unreadable:
        notice(f"{counted(indexed.unreadable, 'entry', 'entries')} can't be opened and can't be searched by target")
    values = {"folder": str(folder), "current": True, "indexed": indexed.computed, "unreadable": indexed.unreadable}
    emit(values, f"the databases of {folder} are at the newest schema", as_json)


def _make_records(data: DataFolder, config: Config) -> None:
    """Make the folder of erasure records for a log of a version that erased nothing yet; never for a newer one."""
    database = Database(data.database_url(config))
    try:
        require_current(database, "log")
    except ConfigurationInvalid:
        data.erasures.mkdir(mode=0o700, exist_ok=True)
    finally:
        database.close()


def _migrate(url: str, chain: Chain) -> None:
    database = Database(url)
    try:
        upgrade(database, chain)
        require_current(database, chain)
    finally:
        database.close()


def _recount(folder: Path) -> None:
    with open_log_database(folder) as database:
        recount(database)


def _is_missing_terms(folder: Path) -> bool:
    with open_log_database(folder) as database:
        return count_missing_terms(database) > 0


def _index(folder: Path, as_json: bool) -> Reindexed:
    """Compute what the new schema has room for and SQL can't: it needs the keys."""
    with open_folder(folder) as opened, progress_bar(hidden=as_json) as bar:
        task = bar.add_task("index terms", visible=False)
        return compute_missing_terms(
            opened.parts.database,
            opened.parts.keyring,
            lambda done, total: bar.update(task, completed=done, total=total, visible=True),
        )

"""`tlog migrate`: bring the databases of an older version to this one's schema."""

from __future__ import annotations

from tlog.cli.data_folder import DataFolder, exclusive, read_config
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, new_app
from tlog.storage.database import Database
from tlog.storage.migrate import Chain, require_current, upgrade

app = new_app()

EXAMPLES = """\b
Example, with the log stopped:
  cp -a ./log ./log.backup
  tlog migrate ./log
Refused while 'tlog serve' runs on the folder. Running it twice is harmless.
"""


@app.command(epilog=EXAMPLES)
def migrate(folder: Folder, as_json: AsJson = False) -> None:
    """Migrate the log's and the keyring's database. Make a backup first; stop the log first."""
    data = DataFolder(folder)
    config = read_config(data)
    with exclusive(data):
        _migrate(data.database_url(config), "log")
        _migrate(data.keyring_url(config), "keyring")
    emit({"folder": str(folder), "current": True}, f"the databases of {folder} are at the newest schema", as_json)


def _migrate(url: str, chain: Chain) -> None:
    database = Database(url)
    try:
        upgrade(database, chain)
        require_current(database, chain)
    finally:
        database.close()

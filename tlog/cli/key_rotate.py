"""`tlog key rotate`: new keys in the place of old ones, with the log stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tlog.cli.config import Config
from tlog.cli.confirm import confirmed
from tlog.cli.data_folder import DataFolder, exclusive, read_config
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, failed, new_app
from tlog.cli.progress_bar import progress_bar
from tlog.cli.rotate_signing import signing
from tlog.client.words import counted
from tlog.errors import ConfigurationInvalid
from tlog.keys.kek import KeyEncryptionProvider
from tlog.keys.kek_settings import open_kek, previous_keks
from tlog.keys.vault_kek import VaultKek
from tlog.service import key_rotation
from tlog.service.note_file import leave_note
from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore
from tlog.storage.migrate import require_current

app = new_app(help="Put new keys in the place of old ones. Stop the log first.")

EXAMPLES = """\b
Examples:
  tlog key rotate kek ./log                  a new KEK; every data key is wrapped again, no entry is touched
  tlog key rotate kek ./log --destroy-old    remove the old ones: ends every backup of the keyring made before
  tlog key rotate person-hash ./log          a new key for the hashes that persons are found by
  tlog key rotate signing ./log              new signing keys beside the old ones; prints what to tell whom
  tlog key rotate signing ./log --finish     only the new ones sign
Interrupted, run it again: it goes on.
"""

app.command(epilog=EXAMPLES)(signing)


@app.command(epilog=EXAMPLES)
def kek(
    folder: Folder,
    destroy_old: Annotated[
        bool, typer.Option("--destroy-old", help="Remove replaced KEKs; older keyring backups end with them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --destroy-old: do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Wrap every data key under a new key-encryption key."""
    data = DataFolder(folder)
    config = read_config(data)
    if destroy_old and not yes:
        _confirm(folder)
    with exclusive(data), _keyring(data, config) as database:
        provider = open_kek(config.kek, folder, os.urandom)
        if destroy_old:
            _destroy_old(data, config, database, provider, as_json)
            return
        before = provider.key_name
        if not key_rotation.outdated(database, provider):
            provider = _begin(data, config, provider)
        with progress_bar(hidden=as_json) as bar:
            task = bar.add_task("wrapping keys again")
            count = key_rotation.rewrap(database, provider, lambda n, of: bar.update(task, completed=n, total=of))
        KeyringStore(database).scrub()  # what was wrapped under the old one is in no file any more
        leave_note(data.rotations, {"key": "kek", "provider": config.kek.provider, "rewrapped": count})
    old = _old_keks(data, config) or ([before] if before != provider.key_name else [])
    lines = [
        f"{counted(count, 'key is', 'keys are')} wrapped under the new KEK.",
        f"new  {_new_kek(data, config, provider)}",
        *(f"old  {name}" for name in old),
        "An old one is needed only for backups of the keyring made before now. Back up DIR/keys again.",
        f"When you need none of them any more: tlog key rotate kek {folder} --destroy-old",
    ]
    values = {"rewrapped": count, "provider": config.kek.provider, "new": provider.key_name, "old": old}
    emit(values, "\n".join(lines), as_json)


def _confirm(folder: Path) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("without a terminal to ask on, --destroy-old needs --yes")
    print(f"Every backup of the keyring of {folder} from before the last rotation becomes unreadable.", file=sys.stderr)
    if not confirmed("Destroy the replaced KEKs for good?"):
        raise failed("nothing was destroyed")


def _new_kek(data: DataFolder, config: Config, provider: KeyEncryptionProvider) -> str:
    return f"{provider.key_name}  {data.kek}" if config.kek.provider == "file" else provider.key_name


def _old_keks(data: DataFolder, config: Config) -> list[str]:
    """Return the files of replaced KEKs; a file is named after its key's id."""
    return [str(path) for path in previous_keks(data.keys)] if config.kek.provider == "file" else []


@app.command(name="person-hash", epilog=EXAMPLES)
def person_hash(folder: Folder, as_json: AsJson = False) -> None:
    """Add a key to the chain that persons are found by."""
    data = DataFolder(folder)
    config = read_config(data)
    with exclusive(data), _keyring(data, config) as database:
        provider = open_kek(config.kek, folder, os.urandom)
        count = key_rotation.rotate_person_hash(database, provider, os.urandom)
        KeyringStore(database).scrub()
        leave_note(data.rotations, {"key": "person-hash", "rehashed": count})
    emit({"rehashed": count}, f"{count} persons are found by a new hash", as_json)


def _begin(data: DataFolder, config: Config, provider: KeyEncryptionProvider) -> KeyEncryptionProvider:
    if isinstance(provider, VaultKek):
        provider.rotate()
        return provider
    if config.kek.provider == "aws-kms":
        raise ConfigurationInvalid(
            "everything is wrapped under the KMS key that is configured: point kek.key (or the alias it names) at a "
            "new key and run this again. KMS's own yearly rotation needs no re-wrapping"
        )
    key_rotation.replace_kek_file(data.keys, os.urandom)
    return open_kek(config.kek, data.path, os.urandom)


def _destroy_old(
    data: DataFolder, config: Config, database: Database, provider: KeyEncryptionProvider, as_json: bool
) -> None:
    if config.kek.provider == "file":
        files = [str(path) for path in key_rotation.destroy_previous_keks(data.keys, database, provider)]
        what = counted(len(files), "replaced KEK file")
        text = f"removed {what}; backups of the keyring from before their rotation are unreadable"
        emit({"destroyed": len(files), "files": files}, "\n".join([text, *files]), as_json)
        return
    if key_rotation.outdated(database, provider):
        raise ConfigurationInvalid("keys are wrapped under an older KEK; run 'tlog key rotate kek' first")
    if not isinstance(provider, VaultKek):
        raise ConfigurationInvalid("schedule the deletion of the old KMS key in AWS; nothing is wrapped under it here")
    provider.forget_versions_before_latest()
    text = "the vault has destroyed the older versions; backups of the keyring from before are unreadable"
    emit({"destroyed": True}, text, as_json)


@contextmanager
def _keyring(data: DataFolder, config: Config) -> Iterator[Database]:
    database = Database(data.keyring_url(config))
    try:
        require_current(database, "keyring")
        yield database
    finally:
        database.close()

"""`tlog restore`: put a log together from its backups, in a new folder.

The settings file comes last, as with `tlog init`: a folder without it is not served. `restore.unfinished` says why.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tlog.cli.backup import Bars
from tlog.cli.config import Config, Databases, encode_config, parse_config
from tlog.cli.data_folder import RESTORING, DataFolder, load_signer, open_keyring, open_parts
from tlog.cli.files import read_file
from tlog.cli.new_folder import finish_folder
from tlog.cli.options import AsJson
from tlog.cli.output import emit, logs_as_notices, new_app, notice
from tlog.cli.progress_bar import progress_bar
from tlog.client.words import counted
from tlog.errors import ConfigurationInvalid
from tlog.keys.secret_file import create_secret_file, read_secret_file
from tlog.service.backup_folder import Progress as Report
from tlog.service.backup_folder import write_new
from tlog.service.note_file import MAX_NOTE
from tlog.service.restore import (
    CheckedBackup,
    check_backup,
    forget_again,
    put_entries,
    put_keyring,
    put_records,
    require_targets,
)
from tlog.storage.copy import SQLITE_SUFFIX
from tlog.storage.durable import sync_folder
from tlog.storage.expiry_pause import ExpiryPause

app = new_app()

EXAMPLES = """\b
Example:
  tlog restore --entries /mnt/a/tlog/TIME --keyring /mnt/b/tlog-keys/TIME --keys /media/keys \\
    --erasures /var/lib/tlog/erasures --to /var/lib/tlog.restored
What was erased after the backup is in it still. The records in the 'erasures' folder of the lost data folder, or in
its newest copy, say what that is; it is erased again before the folder is finished. Records that hold nothing newer
than the backup are refused, unless --no-later-erasures says that nothing was erased and nothing expired since.
Of backups on PostgreSQL, name two empty databases with --database-url and --keyring-url.
'tlog serve' asks the witnesses before it signs, and halts if they know entries that this backup does not have.
"""
_WHICH_RECORDS = (
    "Give the 'erasures' folder of the data folder that was lost, or its newest copy; if you know that nothing was "
    "erased and nothing expired since, add --no-later-erasures"
)
_WAITING = "This folder is being restored, or was when 'tlog restore' ended early. Remove it and run that again.\n"


@app.command(epilog=EXAMPLES)
def restore(
    entries: Annotated[Path, typer.Option(metavar="A/TIME", help="A backup of the entries.", show_default=False)],
    keyring: Annotated[Path, typer.Option(metavar="B/TIME", help="A backup of the keyring.", show_default=False)],
    keys: Annotated[Path, typer.Option(metavar="DIR", help="The copy of DIR/keys.", show_default=False)],
    to: Annotated[Path, typer.Option(metavar="NEWDIR", help="A folder that does not exist.", show_default=False)],
    erasures: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="The newest erasure records (repeatable).", show_default=False),
    ] = None,
    no_later_erasures: Annotated[
        bool, typer.Option("--no-later-erasures", help="Nothing was erased, and nothing expired, since the backup.")
    ] = False,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="An empty PostgreSQL database for the entries.")
    ] = None,
    keyring_url: Annotated[str | None, typer.Option(metavar="URL", help="Another one for the keyring.")] = None,
    as_json: AsJson = False,
) -> None:
    """Restore a log into a new folder. Erases again what was erased since the backup was made."""
    if not erasures and not no_later_erasures:
        raise typer.BadParameter(
            "give --erasures DIR, the records of what was erased since; or --no-later-erasures, if nothing was"
        )
    folder, places = DataFolder(to), [_records_in(path) for path in erasures or ()]
    _require_new(folder)
    _require_other_records(entries, places)
    with progress_bar(hidden=as_json) as bar, logs_as_notices():
        report = Bars(bar).show
        checked = check_backup(entries, keyring, places, report)
        if not (checked.records.later or no_later_erasures):
            raise _nothing_newer(checked.records.all)
        config = _config(checked, Databases(database_url, keyring_url))
        require_targets(checked, folder.database_url(config), folder.keyring_url(config))
        notes = _restore(folder, config, checked, keys, places, report)
    _warn(checked)
    emit(_values(checked, to) | {"notes": notes}, f"{_text(checked, to)}\n{_said_of(notes)}", as_json)


def _restore(
    folder: DataFolder, config: Config, checked: CheckedBackup, keys: Path, places: Sequence[Path], report: Report
) -> int:
    """Make the folder, and return how many notes came with it."""
    with _unfinished(folder):
        for name in checked.manifest.files:
            if name == folder.policy.name or name.endswith(".vkey"):
                write_new(folder.path / name, read_file(checked.entries / name))
        _copy_keys(keys, folder.keys)
        load_signer(folder, config)  # refuses the keys of another log before any database is filled
        put_keyring(checked, folder.keyring_url(config), report)
        with open_keyring(folder, config) as keyring:
            put_records(checked, folder.erasures, keyring.record_mac)
        put_entries(checked, folder.database_url(config), report)
        with open_parts(folder, config) as opened:
            forget_again(opened.parts, report)
        # Holds that were placed since the backup are missing: nothing may expire before they are placed again.
        since = datetime.now(UTC).isoformat("T", "microseconds").replace("+00:00", "Z")
        why = f"restored from a backup of {checked.manifest.made_at}: holds that were placed since are missing"
        ExpiryPause(folder.expiry_pause).begin(since, why)
        notes = _copy_notes(places, folder)
        finish_folder(folder, encode_config(config).encode())
    (folder.path / RESTORING).unlink()
    return notes


@contextmanager
def _unfinished(folder: DataFolder) -> Iterator[None]:
    try:
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        folder.path.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot make {folder.path}: {error.strerror}") from None
    try:
        write_new(folder.path / RESTORING, _WAITING.encode())
        for place in (folder.erasures, folder.tiles, folder.keys):
            place.mkdir(mode=0o700)
        sync_folder(folder.path)
        yield
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def _require_new(folder: DataFolder) -> None:
    if (folder.path / RESTORING).exists() and not folder.config.exists():
        raise ConfigurationInvalid(
            f"{folder.path} is left from a 'tlog restore' that did not finish: remove it (and empty its PostgreSQL "
            "databases, if it has any), then run it again"
        )
    if folder.path.exists():
        raise ConfigurationInvalid(f"{folder.path} exists already; name a folder that does not exist yet")


def _records_in(path: Path) -> Path:
    inside = path / "erasures"
    return inside if inside.is_dir() else path


def _require_other_records(entries: Path, places: Sequence[Path]) -> None:
    """Raise for the records within the backup: they are taken anyway, and say nothing of what was erased since."""
    backup = entries.resolve()
    for place in places:
        if backup in (place.resolve(), *place.resolve().parents):
            raise ConfigurationInvalid(
                f"--erasures {place} is within the backup that is restored: what was erased since is not in it. "
                f"{_WHICH_RECORDS}"
            )


def _nothing_newer(count: int) -> ConfigurationInvalid:
    return ConfigurationInvalid(
        f"--erasures has no record that the backup itself lacks ({counted(count, 'record')} in both): with them, "
        f"whatever was erased or expired since the backup would come back. {_WHICH_RECORDS}"
    )


def _config(checked: CheckedBackup, given: Databases) -> Config:
    """Return the backup's settings with the databases named now: never those of the log that was lost."""
    path = checked.entries / "tlog.toml"
    if path.name not in checked.manifest.files:
        raise ConfigurationInvalid(f"{checked.entries} has no {path.name}")
    for option, url, copy in (
        ("--database-url", given.log, checked.log_copy),
        ("--keyring-url", given.keyring, checked.keyring_copy),
    ):
        if url is None and copy.suffix != SQLITE_SUFFIX:
            raise ConfigurationInvalid(f"{copy} was made on PostgreSQL: give {option}, an empty database")
    if given.log is not None and given.log == given.keyring:
        raise ConfigurationInvalid("the keyring needs a database of its own")
    return replace(parse_config(read_file(path), str(path)), databases=given)


def _copy_keys(keys: Path, to: Path) -> None:
    """Copy the keys with those that were replaced and those that are next: old checkpoints are audited by them."""
    found = sorted(path for path in keys.rglob("*") if path.is_file()) if keys.is_dir() else []
    if not any(path.parent == keys for path in found):
        raise ConfigurationInvalid(f"--keys {keys}: there are no keys")
    for path in found:
        target = to / path.relative_to(keys)
        for folder in reversed([folder for folder in target.parents if to in folder.parents]):
            folder.mkdir(mode=0o700, exist_ok=True)
        public = path.suffix in {".vkey", ".txt"}
        create_secret_file(target, read_file(path) if public else read_secret_file(path))


def _copy_notes(places: Sequence[Path], folder: DataFolder) -> int:
    """Copy the notes that lie beside the erasure records, of what the lost log had no time to log; return how many.

    One that can't be read keeps no log from being restored.
    """
    copied = 0
    for to in (folder.notes, folder.rotations):
        for path in sorted({path.name: path for place in places for path in _notes_beside(place, to.name)}.values()):
            try:
                note = read_secret_file(path, limit=MAX_NOTE)
            except ConfigurationInvalid as error:
                notice(f"a note was not copied: {error}")
                continue
            to.mkdir(mode=0o700, exist_ok=True)
            create_secret_file(to / path.name, note)
            copied += 1
    return copied


def _notes_beside(records: Path, name: str) -> Iterator[Path]:
    return (records.resolve().parent / name).glob("*.json")


def _said_of(notes: int) -> str:
    if notes:
        return f"{counted(notes, 'note')} of the lost folder came along, and will be logged."
    return (
        "No notes came along: if the lost folder has any in 'notes' and 'rotations' (what was done at its machine and "
        "is not logged yet), copy them here before the start."
    )


def _warn(checked: CheckedBackup) -> None:
    if checked.keys_may_be_missing:
        notice(
            "the keyring's backup is older than that of the entries: entries that came in between can be proved, but "
            "those of persons and months that were new then can't be read"
        )


def _age(checked: CheckedBackup) -> float:
    return (datetime.now(UTC) - checked.manifest.time).total_seconds()


def _text(checked: CheckedBackup, to: Path) -> str:
    manifest, age = checked.manifest, _age(checked)
    erased = f"{counted(checked.records.all, 'act')} erased again where needed"
    leaves = counted(manifest.size or 0, "leaf", "leaves")
    lines = [
        f"{to} is {manifest.origin} as of {manifest.made_at}, {age / 3600:.1f} hours ago: {leaves}.",
        f"Erasure records: {erased}, {checked.records.later} of them newer than the backup.",
        "Nothing expires by itself: place again the holds that were placed since, then 'tlog retention run'.",
        "'tlog serve' asks the witnesses before it signs, and halts if they know more than this.",
        "Tokens that were revoked since are valid again: see 'tlog token list'. TLS certificates were in no backup.",
    ]
    return "\n".join(lines)


def _values(checked: CheckedBackup, to: Path) -> dict[str, object]:
    return {
        "folder": str(to),
        "origin": checked.manifest.origin,
        "made_at": checked.manifest.made_at,
        "age_seconds": round(_age(checked)),
        "size": checked.manifest.size,
        "erasure_records": checked.records.all,
        "later_erasure_records": checked.records.later,
        "expiry_paused": True,
        "keys_may_be_missing": checked.keys_may_be_missing,
    }

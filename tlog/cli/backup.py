"""`tlog backup`: entries to one place, the keyring to another, while the log runs or not."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID
from sqlalchemy import URL, make_url

from tlog.cli.config import Config, Databases, encode_config
from tlog.cli.data_folder import DataFolder, open_keyring, read_config
from tlog.cli.files import read_file
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, new_app
from tlog.cli.progress_bar import progress_bar
from tlog.client.words import counted
from tlog.errors import ConfigurationInvalid
from tlog.keys.keyring import Keyring
from tlog.service.backup import MadeBackup, Places, Source, back_up
from tlog.service.log_parts import now_us

app = new_app()

EXAMPLES = """\b
Example:
  tlog backup ./log --entries-to /mnt/a/tlog --keyring-to /mnt/b/tlog-keys --keep-days 14
Works beside a running 'tlog serve'. Each run makes one folder named after the time in each of the two places. A
folder without manifest.json was not finished: it is no backup, and may be removed.
Neither holds the key-encryption key or the signing keys: keep DIR/keys apart, offline.
--keep-days deletes older backups of this log's keyring, never of its entries: what an erasure destroyed can be read
for as long as a keyring backup from before it exists.
"""


@app.command(epilog=EXAMPLES)
def backup(
    folder: Folder,
    entries_to: Annotated[Path, typer.Option(metavar="A", help="Where the entries go.", show_default=False)],
    keyring_to: Annotated[Path, typer.Option(metavar="B", help="Where the keyring goes.", show_default=False)],
    keep_days: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Delete keyring backups older than N days.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Back up a log: its entries and its keyring, apart."""
    data = DataFolder(folder)
    config = read_config(data)
    places = _places(folder, entries_to, keyring_to)
    with one_backup(data), open_keyring(data, config) as keyring, progress_bar(hidden=as_json) as bar:
        made = back_up(_source(data, config, keyring), places, keep_days, now_us, Bars(bar).show)
    emit(_values(made), _text(made), as_json)


class Bars:
    """One progress bar for each thing that is done, made when it is first heard of."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, what: str, done: int, total: int) -> None:
        """Show how much of something is done."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what)
        self._progress.update(self._tasks[what], completed=done, total=total)


@contextmanager
def one_backup(data: DataFolder) -> Iterator[None]:
    """Keep a second backup of the same folder away. The kernel lets go when the process ends, however it ends."""
    descriptor = os.open(data.path / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, data.path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigurationInvalid(f"a backup of {path} is under way already") from None


def _places(folder: Path, entries: Path, keyring: Path) -> Places:
    home, a, b = (path.resolve() for path in (folder, entries, keyring))
    if a == b or a in b.parents or b in a.parents:
        raise ConfigurationInvalid("--entries-to and --keyring-to must be apart: neither the same nor one in the other")
    for place in (a, b):
        if place == home or home in place.parents:
            raise ConfigurationInvalid(f"{place} is inside the data folder: a backup must outlive it")
    for place in (a, b):
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationInvalid(f"cannot make {place}: {error.strerror}") from None
    return Places(a, b)


def _source(data: DataFolder, config: Config, keyring: Keyring) -> Source:
    files = {path.name: read_file(path) for path in (data.policy, *sorted(data.path.glob("*.vkey")))}
    files[data.config.name] = _settings(data, config)
    urls = data.database_url(config), data.keyring_url(config)
    return Source(config.origin, *urls, files, data.erasures, keyring.record_mac)


def _settings(data: DataFolder, config: Config) -> bytes:
    """Return `tlog.toml` without passwords: whoever gets the entries must not get at the keyring with it."""
    said = config.databases
    shown = Databases(_without_password(said.log), _without_password(said.keyring))
    return read_file(data.config) if shown == said else encode_config(replace(config, databases=shown)).encode()


def _without_password(text: str | None) -> str | None:
    url = None if text is None else make_url(text)
    if url is None or url.password is None:
        return text
    parts = (url.drivername, url.username, None, url.host, url.port, url.database, url.query)
    return URL.create(*parts).render_as_string(hide_password=False)


def _text(made: MadeBackup) -> str:
    manifest = made.manifest
    lines = [
        f"entries  {made.entries}  {counted(manifest.size or 0, 'leaf', 'leaves')}",
        f"keyring  {made.keyring}",
        "In neither: the key-encryption key and the signing keys. Keep DIR/keys apart, offline.",
    ]
    lines += [f"deleted  {folder}" for folder in made.deleted]
    return "\n".join(lines)


def _values(made: MadeBackup) -> dict[str, object]:
    return {
        "entries": str(made.entries),
        "keyring": str(made.keyring),
        "origin": made.manifest.origin,
        "made_at": made.manifest.made_at,
        "size": made.manifest.size,
        "bytes": sum(facts.bytes for facts in made.manifest.files.values()),
        "keyring_bytes": sum(facts.bytes for facts in made.keyring_manifest.files.values()),
        "deleted": [str(folder) for folder in made.deleted],
        "without": ["key-encryption key", "signing keys"],
    }

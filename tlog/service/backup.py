"""Back up a log, while it runs or not: its entries to one place, its keyring to another.

Order, which is what makes the two fit whatever happens in between:

1. the log's database;
2. the keyring: keys are stored before what is sealed under them, so every entry of 1 has its keys in it;
3. the erasure records: a record is written before the key is destroyed, so of every key that is missing from 2
   the record is there, and tells what stands in place of what only 1 still has;
4. the keyring's manifest, then the entries'.

A crash leaves folders without a manifest, which nothing takes for a backup.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, select

from tlog.audit.erasure_record import Mac, encode_record
from tlog.errors import ConfigurationInvalid
from tlog.service.backup_folder import MANIFEST, UNFINISHED, Manifest, NewBackup, Progress, started
from tlog.storage.copy import (
    POSTGRES_SUFFIX,
    SQLITE_SUFFIX,
    copy_database,
    copy_name,
    database_bytes,
    schema_revision,
)
from tlog.storage.database import Database
from tlog.storage.durable import sync_folder
from tlog.storage.erasure_records import ErasureRecords
from tlog.storage.tables import checkpoints, log_state

_SPARE_BYTES: Final = 8 << 20
_KEYRING_FILES: Final = ("keyring" + SQLITE_SUFFIX, "keyring" + POSTGRES_SUFFIX, "manifest.json.new")


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up: both databases, the folder of erasure records, and small `files` by name, none secret.

    `mac` is the keyring's: a record that somebody else wrote must not end up in a backup that then can't be restored.
    """

    origin: str
    log_url: str
    keyring_url: str
    files: Mapping[str, bytes]
    erasures: Path
    mac: Mac


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A finished backup: its two folders, the manifest of the entries, and which keyring backups were deleted."""

    entries: Path
    keyring: Path
    manifest: Manifest
    keyring_manifest: Manifest
    deleted: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """Where entries and keyrings are backed up to."""

    entries: Path
    keyring: Path


def back_up(
    source: Source, places: Places, keep_days: int | None, now: Callable[[], int], progress: Progress
) -> MadeBackup:
    """Make a backup, whole, checked and durable on return; then delete keyring backups older than `keep_days`.

    Raises `ConfigurationInvalid`, `StorageFault`, `Unavailable`; what was begun is left, and is no backup.
    """
    log, keyring = Database(source.log_url), None
    try:
        keyring = Database(source.keyring_url)
        _require_space(log, keyring, places)
        begun = now()  # one time, so one name in both places
        entries = NewBackup(places.entries, "entries", source.origin, begun)
        facts = _copy_log(log, source.origin, entries, progress)
        keys = NewBackup(places.keyring, "keyring", source.origin, begun)
        schema = _copy_keyring(keyring, keys, progress)
    finally:
        log.close()
        if keyring is not None:
            keyring.close()
    for name, data in source.files.items():
        entries.add(name, data)
    _copy_records(source, entries)
    keyring_manifest = keys.finish(progress, schema=schema)
    manifest = entries.finish(progress, **facts)
    deleted = () if keep_days is None else _delete_old(places.keyring, source.origin, keep_days, now(), keys.folder)
    return MadeBackup(entries.folder, keys.folder, manifest, keyring_manifest, deleted)


def _copy_log(log: Database, origin: str, new: NewBackup, progress: Progress) -> dict[str, Any]:
    with log.read() as connection:
        facts = _facts(connection, origin)
        copy_database(connection, new.folder / copy_name(connection, "log"), partial(progress, "copy entries"))
    return facts


def _copy_keyring(keyring: Database, new: NewBackup, progress: Progress) -> str | None:
    with keyring.read() as connection:
        schema = schema_revision(connection)
        copy_database(connection, new.folder / copy_name(connection, "keyring"), partial(progress, "copy keyring"))
    return schema


def _facts(connection: Connection, origin: str) -> dict[str, Any]:
    state = log_state.c
    row = connection.execute(select(state.origin, state.size, state.integrated_size, state.integrated_root)).first()
    if row is None or row.origin != origin:
        raise ConfigurationInvalid(f"the database is not that of the log {origin}; nothing was copied")
    newest = select(func.max(checkpoints.c.size)).where(checkpoints.c.witnessed_at.is_not(None)).scalar_subquery()
    note = connection.execute(select(checkpoints.c.note).where(checkpoints.c.size == newest)).scalar()
    return {
        "schema": schema_revision(connection),
        "size": row.size,
        "integrated_size": row.integrated_size,
        "root": row.integrated_root.hex(),
        "checkpoint": None if note is None else bytes(note).decode(),
    }


def _copy_records(source: Source, new: NewBackup) -> None:
    (new.folder / "erasures").mkdir(mode=0o700)
    if source.erasures.is_dir():
        for record in ErasureRecords(source.erasures, source.mac).all():
            new.add(f"erasures/{record.act}.json", encode_record(record, source.mac))


def _require_space(log: Database, keyring: Database, places: Places) -> None:
    needed: dict[int, int] = {}
    shown: dict[int, Path] = {}
    for database, place in ((log, places.entries), (keyring, places.keyring)):
        with database.read() as connection:
            size = database_bytes(connection)
        device = os.stat(place).st_dev
        needed[device] = needed.get(device, _SPARE_BYTES) + size
        shown[device] = place
    for device, size in needed.items():
        free = shutil.disk_usage(shown[device]).free
        if free < size:
            raise ConfigurationInvalid(
                f"{shown[device]} has {free >> 20} MiB free, the backup may take {-(-size >> 20)} MiB; "
                "nothing was copied"
            )


def _delete_old(place: Path, origin: str, keep_days: int, now: int, newest: Path) -> tuple[Path, ...]:
    """Delete this log's keyring backups, finished or not, that are older than that; nothing else, not even beside."""
    oldest = datetime.fromtimestamp(now / 1_000_000, UTC) - timedelta(days=keep_days)
    deleted = []
    for folder in sorted(place.iterdir()):
        if folder == newest or folder.is_symlink() or not folder.is_dir():
            continue
        found = started(folder)
        if found is None or (found.kind, found.origin) != ("keyring", origin) or found.time >= oldest:
            continue
        _delete(folder)
        deleted.append(folder)
    sync_folder(place)
    return tuple(deleted)


def _delete(folder: Path) -> None:
    # The keys first, what says so last: a crash in between leaves what the next run knows again.
    for name in (*_KEYRING_FILES, UNFINISHED, MANIFEST):
        (folder / name).unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError as error:
        raise ConfigurationInvalid(
            f"the keys in {folder} were deleted, but it holds files that are no part of a backup: {error.strerror}"
        ) from None

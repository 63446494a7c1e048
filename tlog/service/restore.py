"""Restore a log from its backups: check everything, put it back, and forget again what was erased since.

Order, so that no state in between shows what was erased:

1. both manifests, the hash of every file, and every erasure record that there is: nothing is written before;
2. the erasure records, then the databases: whoever opens these finds the records beside them;
3. the erasures are done again (`tlog/service/replay.py`), before the folder is finished.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from tlog.audit.erasure_record import ErasureRecord
from tlog.errors import ConfigurationInvalid, StorageFault
from tlog.service.backup_folder import Manifest, Progress, check_files, read_manifest
from tlog.service.log import Log, LogParts
from tlog.service.reindex import compute_missing_terms
from tlog.storage.copy import POSTGRES_SUFFIX, SQLITE_SUFFIX, put_back, require_empty
from tlog.storage.erasure_records import ErasureRecords

Records = dict[str, ErasureRecord]
"""Erasure records by the act they are of."""


@dataclass(frozen=True, slots=True)
class CheckedBackup:
    """A backup whose every byte was found as it was made, and the erasure records that belong to it."""

    entries: Path
    keyring: Path
    manifest: Manifest
    keyring_manifest: Manifest
    records: Records
    later_records: int
    """How many of the records are not in the backup itself."""

    @property
    def log_copy(self) -> Path:
        """The copy of the log's database."""
        return self.entries / _copy(self.manifest, "log", self.entries)

    @property
    def keyring_copy(self) -> Path:
        """The copy of the keyring's database."""
        return self.keyring / _copy(self.keyring_manifest, "keyring", self.keyring)

    @property
    def keys_may_be_missing(self) -> bool:
        """Whether the keyring is older than the entries: keys made in between are not in it."""
        return self.keyring_manifest.time < self.manifest.time


def check_backup(entries: Path, keyring: Path, later: Sequence[Path], progress: Progress) -> CheckedBackup:
    """Return a backup that may be restored. `later` are folders of erasure records, each newer than the backup.

    Raises `ConfigurationInvalid` for what is no finished backup, or of another log, or an older folder of records;
    `StorageFault` for what was changed, naming the file.
    """
    manifest, keyring_manifest = read_manifest(entries, "entries"), read_manifest(keyring, "keyring")
    if manifest.origin != keyring_manifest.origin:
        raise ConfigurationInvalid(
            f"{entries} is of the log {manifest.origin}, {keyring} of {keyring_manifest.origin}: they do not belong "
            "together"
        )
    check_files(entries, manifest, progress)
    check_files(keyring, keyring_manifest, progress)
    own = _read_records(entries / "erasures", manifest.origin, names=set(manifest.files))
    since = _later_records(later, manifest.origin, own)
    records = {act: _merged(own.get(act), since.get(act)) for act in sorted({*own, *since})}
    checked = CheckedBackup(entries, keyring, manifest, keyring_manifest, records, len(since.keys() - own.keys()))
    _ = checked.log_copy, checked.keyring_copy
    return checked


def require_targets(checked: CheckedBackup, log_url: str, keyring_url: str) -> None:
    """Raise `ConfigurationInvalid` unless the databases at these URLs can take the copies."""
    require_empty(log_url, checked.log_copy.suffix)
    require_empty(keyring_url, checked.keyring_copy.suffix)


def put_records(checked: CheckedBackup, folder: Path) -> None:
    """Write every erasure record, durable on return; before any database is there."""
    records = ErasureRecords(folder)
    for record in checked.records.values():
        records.write(record)


def put_databases(checked: CheckedBackup, log_url: str, keyring_url: str, progress: Progress) -> None:
    """Put both databases back, at this program's schema."""
    put_back(checked.log_copy, log_url, "log")
    progress("databases", 1, 2)
    put_back(checked.keyring_copy, keyring_url, "keyring")
    progress("databases", 2, 2)


def forget_again(parts: LogParts, progress: Progress, open_log: Callable[[LogParts], object] = Log) -> None:
    """Do every recorded erasure again and make the tiles anew, as each start does; then what an old schema lacks.

    Raises `StorageFault` where a record does not fit the log, or leaves do not hash to its root.
    """
    if parts.records is None:
        raise ConfigurationInvalid("without the folder of erasure records nothing may be restored")
    open_log(parts)
    compute_missing_terms(parts.database, parts.keyring, lambda done, total: progress("index terms", done, total))


def _copy(manifest: Manifest, stem: str, folder: Path) -> str:
    found = [name for name in (stem + SQLITE_SUFFIX, stem + POSTGRES_SUFFIX) if name in manifest.files]
    if len(found) != 1:
        raise StorageFault(f"{folder} names no copy of the {stem} database")
    return found[0]


def _read_records(folder: Path, origin: str, names: set[str] | None = None) -> Records:
    found: Records = {}
    for record in ErasureRecords(folder).all() if folder.is_dir() else ():
        if record.origin != origin:
            raise ConfigurationInvalid(f"{folder} has erasure records of the log {record.origin}, not of {origin}")
        if names is None or f"erasures/{record.act}.json" in names:
            found[record.act] = record
    return found


def _later_records(folders: Sequence[Path], origin: str, own: Records) -> Records:
    since: Records = {}
    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationInvalid(f"--erasures {folder}: there is no such folder")
        for act, record in _read_records(folder, origin).items():
            since[act] = _merged(since.get(act), record)
    # Records are never removed: where one of the backup's is missing, the folder is older, or not the log's.
    if folders and (missing := own.keys() - since.keys()):
        raise ConfigurationInvalid(
            f"--erasures lacks {len(missing)} of the backup's own records: it is older than the backup, or of another "
            "place. Give the 'erasures' folder of the data folder that was lost, or its newest copy"
        )
    return since


def _merged(old: ErasureRecord | None, new: ErasureRecord | None) -> ErasureRecord:
    """Return one record of what two versions of it say; the newer one decides, and no erased part is left out."""
    record = new or old
    if record is None:
        raise StorageFault("there is no such record")
    if old is None or new is None or old == new:
        return record
    if (old.kind, old.key_id, old.cohort) != (new.kind, new.key_id, new.cohort):
        raise StorageFault(f"two erasure records of act {record.act} contradict each other")
    parts = {(part.index, part.label): part for part in (*old.parts, *new.parts)}
    return replace(record, parts=sorted(parts.values(), key=lambda part: part.index))

"""Restore a log from its backups: check everything, put it back, and forget again what was erased since.

Order, so that no state in between shows what was erased:

1. both manifests, the hash of every file, and that every erasure record is one: nothing is written before;
2. the keyring, which tells whether this log wrote the records; it holds no entry;
3. the erasure records, then the entries: whoever opens these finds the records beside them;
4. the erasures are done again (`tlog/service/replay.py`), before the folder is finished.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlog.audit.erasure_record import Mac
from tlog.errors import ConfigurationInvalid, StorageFault
from tlog.service.backup_folder import Manifest, Progress, check_files, read_manifest
from tlog.service.log import Log
from tlog.service.log_parts import LogParts
from tlog.service.reindex import compute_missing_terms
from tlog.service.restored_records import RecordCounts, RecordSources, count_records, merged_records
from tlog.storage.copy import POSTGRES_SUFFIX, SQLITE_SUFFIX, put_back, require_empty
from tlog.storage.erasure_records import ErasureRecords


@dataclass(frozen=True, slots=True)
class CheckedBackup:
    """A backup whose every byte was found as it was made, and the erasure records that belong to it."""

    entries: Path
    keyring: Path
    manifest: Manifest
    keyring_manifest: Manifest
    sources: RecordSources
    records: RecordCounts

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
    sources = RecordSources(entries, manifest, tuple(later))
    checked = CheckedBackup(entries, keyring, manifest, keyring_manifest, sources, count_records(sources))
    _ = checked.log_copy, checked.keyring_copy
    return checked


def require_targets(checked: CheckedBackup, log_url: str, keyring_url: str) -> None:
    """Raise `ConfigurationInvalid` unless the databases at these URLs can take the copies."""
    require_empty(log_url, checked.log_copy.suffix)
    require_empty(keyring_url, checked.keyring_copy.suffix)


def put_keyring(checked: CheckedBackup, url: str, progress: Progress) -> None:
    """Put the keyring back, at this program's schema."""
    put_back(checked.keyring_copy, url, "keyring")
    progress("databases", 1, 2)


def put_records(checked: CheckedBackup, folder: Path, mac: Mac) -> None:
    """Write every erasure record, durable on return; before any entry is there. `mac` is the restored keyring's.

    Raises `StorageFault`, which names the file, for a record that this log did not write.
    """
    records = ErasureRecords(folder, mac)
    for record in merged_records(checked.sources, mac):
        records.write(record)


def put_entries(checked: CheckedBackup, url: str, progress: Progress) -> None:
    """Put the log's database back, at this program's schema."""
    put_back(checked.log_copy, url, "log")
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

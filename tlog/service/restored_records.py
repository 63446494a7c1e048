"""The erasure records of a restore: the backup's own and the newer ones given, made one.

First they are only counted (`count_records`): the keyring that tells whether this log wrote them is in the backup
itself. Once that keyring is back, `merged_records` believes or refuses each, and merges what is said twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from tlog.audit.erasure_record import ErasureRecord, Mac
from tlog.errors import ConfigurationInvalid, StorageFault
from tlog.service.backup_folder import Manifest
from tlog.storage.erasure_records import ErasureRecords, unverified_records

FOLDER = "erasures"
Records = dict[str, ErasureRecord]
"""Erasure records by the act they are of."""


@dataclass(frozen=True, slots=True)
class RecordSources:
    """Where records come from: the backup of the entries, and folders that are each newer than it."""

    entries: Path
    manifest: Manifest
    later: tuple[Path, ...]

    def own(self, found: Iterable[ErasureRecord]) -> Records:
        """Return those of the backup's records that its manifest names."""
        names = self.manifest.files
        return {record.act: record for record in found if f"{FOLDER}/{record.act}.json" in names}


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """How many acts there is a record of, and how many of these are not in the backup itself."""

    all: int
    later: int


def count_records(sources: RecordSources) -> RecordCounts:
    """Count the records; what they say is not believed yet.

    Raises `ConfigurationInvalid` for records of another log, a missing folder, or folders older than the backup;
    `StorageFault` for a file that is no record.
    """
    origin, inside = sources.manifest.origin, sources.entries / FOLDER
    own = sources.own(_of_log(inside, unverified_records(inside), origin)) if inside.is_dir() else {}
    since: set[str] = set()
    for folder in sources.later:
        if not folder.is_dir():
            raise ConfigurationInvalid(f"--erasures {folder}: there is no such folder")
        since |= {record.act for record in _of_log(folder, unverified_records(folder), origin)}
    # Records are never removed: where one of the backup's is missing, the folder is older, or not the log's.
    if sources.later and (missing := own.keys() - since):
        raise ConfigurationInvalid(
            f"--erasures lacks {len(missing)} of the backup's own records: it is older than the backup, or of another "
            "place. Give the 'erasures' folder of the data folder that was lost, or its newest copy"
        )
    return RecordCounts(len(own.keys() | since), len(since - own.keys()))


def merged_records(sources: RecordSources, mac: Mac) -> list[ErasureRecord]:
    """Return one record for each act. `mac` is the restored keyring's.

    Raises `StorageFault`, which names the file, for a record that this log did not write.
    """
    inside = sources.entries / FOLDER
    found = sources.own(ErasureRecords(inside, mac).all()) if inside.is_dir() else {}
    for folder in sources.later:
        for record in ErasureRecords(folder, mac).all():
            found[record.act] = merged(found.get(record.act), record)
    return [found[act] for act in sorted(found)]


def merged(old: ErasureRecord | None, new: ErasureRecord) -> ErasureRecord:
    """Return one record of what two versions of it say; the newer one decides, and no erased part is left out."""
    if old is None or old == new:
        return new
    if (old.kind, old.key_id, old.cohort) != (new.kind, new.key_id, new.cohort):
        raise StorageFault(f"two erasure records of act {new.act} contradict each other")
    parts = {(part.index, part.label): part for part in (*old.parts, *new.parts)}
    return replace(new, parts=sorted(parts.values(), key=lambda part: part.index))


def _of_log(folder: Path, found: Iterable[ErasureRecord], origin: str) -> Iterator[ErasureRecord]:
    for record in found:
        if record.origin != origin:
            raise ConfigurationInvalid(f"{folder} has erasure records of the log {record.origin}, not of {origin}")
        yield record

"""The folder of erasure records: one file for each act, outside both databases and backed up with neither's past.

    <folder>/<act id>.json      0600; `tlog/audit/erasure_record.py` says what is in it

Each carries a MAC under a secret of the keyring: a file that was changed, or that somebody else wrote, is not believed.
A record is durable before the first thing that it names is destroyed, and is never removed. A crash while it is
written leaves a `.part` file, which is not read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from tlog.audit.erasure_record import ErasureRecord, Mac, encode_record, parse_record, parse_unverified
from tlog.errors import MalformedRecord, StorageFault
from tlog.storage.durable import sync_folder

_MEND: Final = (
    "put it back from the newest copy of this folder (of the same log as the keyring). A file that no copy has was not "
    "written by the log: find out who put it here, then move it away"
)


@dataclass(frozen=True, slots=True)
class ErasureRecords:
    """The records in one folder, which exists. `mac` is that of the log's keyring. Methods block."""

    folder: Path
    mac: Mac

    def write(self, record: ErasureRecord) -> None:
        """Store a record, durable on return; one of the same act is replaced. Raises `StorageFault`."""
        path = self.folder / f"{record.act}.json"
        try:
            _write(path.with_suffix(".part"), encode_record(record, self.mac))
            os.replace(path.with_suffix(".part"), path)
            sync_folder(self.folder)
        except OSError as error:
            raise StorageFault(f"the erasure record {path.name} can't be written: {error.strerror}") from None

    def of(self, act_id: bytes) -> ErasureRecord | None:
        """Return the record of an act, None where it has none. Raises `StorageFault`."""
        path = self.folder / f"{UUID(bytes=act_id)}.json"
        return _read(path, self._parse) if path.exists() else None

    def all(self) -> Iterator[ErasureRecord]:
        """Yield every record, oldest act first. Raises `StorageFault` for a file that is none: nobody may serve
        a log of which it is not known what was erased."""
        return _all(self.folder, self._parse)

    def _parse(self, data: bytes) -> ErasureRecord:
        return parse_record(data, self.mac)


def unverified_records(folder: Path) -> Iterator[ErasureRecord]:
    """Yield what the files of a folder say, whoever wrote them: to be counted, never to be acted on.

    Raises `StorageFault` for a file that is no record.
    """
    return _all(folder, parse_unverified)


def _all(folder: Path, parse: Callable[[bytes], ErasureRecord]) -> Iterator[ErasureRecord]:
    try:
        paths = sorted(folder.glob("*.json"))
    except OSError as error:
        raise StorageFault(f"the erasure records can't be listed: {error.strerror}") from None
    for path in paths:
        yield _read(path, parse)


def _read(path: Path, parse: Callable[[bytes], ErasureRecord]) -> ErasureRecord:
    try:
        record = parse(path.read_bytes())
    except OSError as error:
        raise StorageFault(f"the erasure record {path} can't be read: {error.strerror}") from None
    except MalformedRecord as error:
        raise StorageFault(f"{path}: {error}; {_MEND}") from None
    if path.stem != record.act:
        raise StorageFault(f"{path} holds the record of another act; {_MEND}")
    return record


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)

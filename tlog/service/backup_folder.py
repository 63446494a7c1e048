"""A backup's folder and its manifest: what is in it, and how it is known to be whole.

    <UTC time>/               0700, every file in it 0600
      unfinished.json         written first, removed last: without a manifest beside it, this is no backup
      …                       the files
      manifest.json           written last and at once: with it, everything it names is on disk

    manifest.json = {"manifest": {…}, "sha256": "<hexadecimal, of the manifest's text>"} and a line feed

It is written in exactly one way (`encode_manifest`), so a changed byte in it is noticed as one in any other file is.
`kind` is "entries" or "keyring"; times are UTC; sizes in bytes; what only an entries backup has is null in the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from tlog.audit.fields import instant
from tlog.errors import ConfigurationInvalid, StorageFault
from tlog.storage.durable import sync_folder

Kind = Literal["entries", "keyring"]
Progress = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, of how much."""
FORMAT: Final = "tlog backup 1"
MANIFEST: Final = "manifest.json"
UNFINISHED: Final = "unfinished.json"
_NEW: Final = "manifest.json.new"
_NAME = re.compile(r"(erasures/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CHUNK: Final = 1 << 20
_MAX_MANIFEST: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file of a backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup is of. `root` (hexadecimal) is that of the first `integrated_size` of `size` leaves;
    `checkpoint` is the newest witnessed one. `made_at` is the moment of the database in it."""

    format: str = FORMAT
    kind: Kind
    origin: str
    made_at: str
    schema: str | None = None
    size: int | None = None
    integrated_size: int | None = None
    root: str | None = None
    checkpoint: str | None = None
    files: dict[str, FileFacts]

    @property
    def time(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.made_at)


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the one text of a manifest."""
    text = _text(asdict(manifest))
    return f'{{"manifest": {text}, "sha256": "{hashlib.sha256(text.encode()).hexdigest()}"}}\n'.encode()


def parse_manifest(data: bytes, where: Path) -> Manifest:
    """Return the manifest in a file's bytes. Raises `StorageFault`, which names the file."""
    try:
        manifest = msgspec.convert(json.loads(data)["manifest"], Manifest)
        whole = encode_manifest(manifest) == data and manifest.format == FORMAT
        whole = whole and manifest.time.tzinfo is not None and all(map(_NAME.fullmatch, manifest.files))
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise StorageFault(f"{where} is no manifest of a backup, or was changed")
    return manifest


def read_manifest(folder: Path, kind: Kind) -> Manifest:
    """Return the manifest of a finished backup. Raises `ConfigurationInvalid` where there is none, `StorageFault`."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ConfigurationInvalid(_why_none(folder))
    with path.open("rb") as file:
        manifest = parse_manifest(file.read(_MAX_MANIFEST), path)
    if manifest.kind != kind:
        raise ConfigurationInvalid(f"{folder} is a backup of the {manifest.kind}, not of the {kind}")
    return manifest


def _why_none(folder: Path) -> str:
    if (folder / UNFINISHED).exists():
        return f"{folder} is a backup that was never finished: use another, remove this one"
    return f"{folder} is no backup: it has no {MANIFEST}"


def check_files(folder: Path, manifest: Manifest, progress: Progress) -> None:
    """Read every file again. Raises `StorageFault`, which names the first that is missing or was changed."""
    total = sum(facts.bytes for facts in manifest.files.values())
    done = 0
    for name, facts in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise StorageFault(f"{path} is missing")
        if facts_of(path) != facts:
            raise StorageFault(f"{path} was changed since the backup was made")
        done += facts.bytes
        progress(f"check {manifest.kind}", done, total)


def facts_of(path: Path) -> FileFacts:
    """Return a file's length and hash, as the disk gives it back."""
    digest, length = hashlib.sha256(), 0
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # Read the disk, not what was written to it.
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return FileFacts(length, digest.hexdigest())


class NewBackup:
    """A backup that is being made. Nothing is a backup before `finish`."""

    def __init__(self, place: Path, kind: Kind, origin: str, now: int) -> None:
        """Make its folder below `place`; `now` is in microseconds. Raises `ConfigurationInvalid`."""
        made_at = datetime.fromtimestamp(now // 1_000_000, UTC).replace(microsecond=now % 1_000_000)
        self.folder = place / made_at.strftime("%Y%m%dT%H%M%S.%fZ")
        self._said: dict[str, Any] = {"kind": kind, "origin": origin, "made_at": instant(now)}
        try:
            self.folder.mkdir(mode=0o700)
        except OSError as error:
            raise ConfigurationInvalid(f"cannot make {self.folder}: {error.strerror}") from None
        self.add(UNFINISHED, encode_manifest(Manifest(**self._said, files={})))
        sync_folder(place)

    def add(self, name: str, data: bytes) -> None:
        """Write one more file, durable on return."""
        path = self.folder / name
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700)
        write_new(path, data)

    def finish(self, progress: Progress, **facts: Any) -> Manifest:
        """Read everything back and write the manifest; from here on it is a backup."""
        files = {}
        names = sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())
        names.remove(UNFINISHED)
        for number, name in enumerate(names, 1):
            files[name] = facts_of(self.folder / name)
            progress(f"verify {self._said['kind']}", number, len(names))
        for folder in {path.parent for path in (self.folder / name for name in names)}:
            sync_folder(folder)
        manifest = Manifest(**self._said, **facts, files=files)
        self.add(_NEW, encode_manifest(manifest))
        os.rename(self.folder / _NEW, self.folder / MANIFEST)
        sync_folder(self.folder)  # A crash before this: no backup, or all of one.
        (self.folder / UNFINISHED).unlink()
        sync_folder(self.folder)
        return manifest


def started(folder: Path) -> Manifest | None:
    """Return what a folder says of itself, finished or not; None where it is none of ours."""
    for name in (MANIFEST, UNFINISHED):
        path = folder / name
        if path.is_file() and not path.is_symlink():
            try:
                return parse_manifest(path.read_bytes(), path)
            except (StorageFault, OSError):
                return None
    return None


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet (0600), durable on return."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _text(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=1, sort_keys=True)

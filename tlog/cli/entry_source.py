"""Where `tlog append` reads entries from: a file, which is checked as a whole first, or a stream, which is not."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import sys
from array import array
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tlog.cli.files import STANDARD
from tlog.client.ndjson import LineReader
from tlog.errors import ConfigurationInvalid

CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class EntrySource:
    """Open for reading. `size` in bytes is None for a stream; of a file that grows, only what was there is read."""

    path: Path
    file: IO[bytes]
    size: int | None

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, of a stream as soon as some are there; a file from its start each time."""
        if self.size is None:
            while chunk := _read_some(self.file, CHUNK_BYTES):
                yield chunk
            return
        self.file.seek(0)
        left = self.size
        while left and (chunk := _read_some(self.file, min(left, CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file of good entries: how many, its SHA-256 in hexadecimal, the numbers (from 1) of lines without an id."""

    count: int
    digest: str
    without_id: MutableSequence[int]


@contextmanager
def entry_source(path: Path) -> Iterator[EntrySource]:
    """Open a file, a pipe or stdin. Raises `ConfigurationInvalid`, also if another run sends the same file."""
    if path == STANDARD:
        yield EntrySource(path, sys.stdin.buffer, None)
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigurationInvalid(f"cannot read {path}: {error.strerror}") from None
    with file:
        found = os.fstat(file.fileno())
        regular = stat.S_ISREG(found.st_mode)
        if regular:
            _lock(file, path)
        yield EntrySource(path, file, found.st_size if regular else None)


def check_file(source: EntrySource) -> CheckedFile:
    """Read a file through. Raises `EntryInvalid` with its faults."""
    digest, numbers = hashlib.sha256(), array("Q")

    def without_id(number: int) -> str:
        numbers.append(number)
        return ""

    reader, count = LineReader(without_id), 0
    for chunk in source.chunks():
        digest.update(chunk)
        count += len(reader.feed(chunk))
    count += len(reader.finish())
    return CheckedFile(count, digest.hexdigest(), numbers)


def _lock(file: IO[bytes], path: Path) -> None:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigurationInvalid(f"another 'tlog append' is sending {path}; wait for it to end") from None
    except OSError:
        return  # Some network file systems cannot lock. Two runs then end in a refused `seq`, not in a double entry.


def _read_some(file: IO[bytes], size: int) -> bytes:
    chunk: bytes = file.read1(size)  # type: ignore[attr-defined]  # of BufferedReader, as every source is
    return chunk

"""Where `tlog append` reads entries from: a file, which is checked as a whole first, or a stream, which is not."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import stat
import sys
from array import array
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tlog.cli.files import STANDARD
from tlog.client.ndjson import Line, LineReader, lines_of
from tlog.errors import ConfigurationInvalid, EntryInvalid, Fault

CHUNK_BYTES: Final = 1 << 20
SHOWN_FAULTS: Final = 20
_LOOK_UP_SECONDS: Final = 0.2


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
    """What reading a file through found.

    How many good entries, the file's SHA-256 in hexadecimal, the numbers (from 1) of lines without an id; the first
    `SHOWN_FAULTS` faults, how many there are in all, and in how many lines.
    """

    count: int
    digest: str
    without_id: MutableSequence[int]
    faults: tuple[Fault, ...]
    fault_count: int
    bad_lines: int


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


async def readable(file: IO[bytes]) -> None:
    """Return once a pipe or a terminal has something to read or has ended; at once for a file, which always has.

    Only right where nothing is left in the file's buffer, as after `read1` of more than that.
    """
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(file.fileno(), ready.set)
    except OSError:  # EPERM of epoll: a regular file; UnsupportedOperation: none of the kernel's
        return
    try:
        while not ready.is_set():
            # A signal that comes in the instant before the loop begins to wait does not wake it: look up now and then.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_UP_SECONDS):
                    await ready.wait()
    finally:
        loop.remove_reader(file.fileno())


def check_file(source: EntrySource) -> CheckedFile:
    """Read a file through, whatever is wrong with it."""
    check, digest = _Check(), hashlib.sha256()
    for chunk in source.chunks():
        digest.update(chunk)
        check.take(chunk)
    check.end()
    faults = tuple(check.faults)
    return CheckedFile(check.count, digest.hexdigest(), check.without_id, faults, check.fault_count, check.bad_lines)


class _Check:
    """Reads on where a `LineReader` finds faults. Its memory does not grow with the number of faults."""

    def __init__(self) -> None:
        self._reader = LineReader(self._no_id)
        self.without_id = array("Q")
        self.count = self.fault_count = self.bad_lines = 0
        self.faults: list[Fault] = []

    def take(self, chunk: bytes) -> None:
        self._count(lambda: self._reader.feed(chunk))

    def end(self) -> None:
        self._count(self._reader.finish)

    def _no_id(self, number: int) -> str:
        self.without_id.append(number)
        return ""

    def _count(self, read: Callable[[], list[Line]]) -> None:
        try:
            self.count += len(read())
        except EntryInvalid as error:
            self.fault_count += len(error.faults)
            self.bad_lines += lines_of(error.faults)
            self.faults += error.faults[: SHOWN_FAULTS - len(self.faults)]


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

"""Whether cohorts expire by themselves: a file beside `erasures/` says that they do not, since when, and why.

    <data folder>/expiry-paused     0600, {"since":"<UTC time>","reason":"<text>"} and a newline

Outside both databases, because it is written when these are older than they were, and must not go back with them the
next time. Whatever stands in it, or cannot be read there, the file pauses: anybody may make an empty one by hand before
they start a log over a database that they put back themselves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tlog.errors import StorageFault

PAUSE_FILE: Final = "expiry-paused"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class Pause(Struct, frozen=True):
    """Why nothing expires by itself. `since` is a UTC time; it tells one pause from another."""

    since: str
    reason: str


_UNKNOWN: Final = Pause("", f"there is a file {PAUSE_FILE} in the data folder")


@dataclass(frozen=True, slots=True)
class ExpiryPause:
    """The file at `path`. Methods block."""

    path: Path

    def read(self) -> Pause | None:
        """Return the pause, None where there is none."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Pause)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return _UNKNOWN

    def begin(self, since: str, reason: str) -> None:
        """Pause, durable on return, in place of any pause before. Raises `StorageFault`."""
        fresh = self.path.with_suffix(".new")
        try:
            with open(os.open(fresh, _NEW, 0o600), "wb") as file:
                file.write(msgspec.json.encode(Pause(since, reason)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self.path)
            self._sync()
        except OSError as error:
            raise StorageFault(f"{self.path} can't be written: {error.strerror}") from None

    def lift(self, since: str) -> None:
        """End the pause that began then, durable on return; a later one goes on. Raises `StorageFault`."""
        found = self.read()
        if found is None or found.since != since:
            return
        try:
            self.path.unlink(missing_ok=True)
            self._sync()
        except OSError as error:
            raise StorageFault(f"{self.path} can't be removed: {error.strerror}") from None

    def _sync(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

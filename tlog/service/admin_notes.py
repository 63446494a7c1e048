"""Notes of what was done from the command line, where the log itself does not hear of it: keys that were rotated,
tokens that were issued or revoked, entries that were read while it was stopped. `tlog serve` logs each as an entry of
its own, when it starts and while it runs.

    DIR/rotations/<id>.json   details of a key rotation
    DIR/notes/<id>.json       {"action": …, "purpose": …, "details": {…}}, or what `read_note.py` says

The id is that of the entry, so that it is logged once. A note that says another id is of what may be noted again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Final
from uuid import UUID

import structlog

from tlog.keys.keyring import Keyring
from tlog.service.note_file import read_note
from tlog.service.own_entries import SERVICE, OwnEntries
from tlog.service.read_note import opened_note

ROTATION: Final = "tlog.key.rotate"
SECONDS: Final = 2.0
"""How often a running log looks for notes."""
REMINDER: Final = 3600.0
"""After so many seconds a note that still can't be logged is reported again."""
_FOLDERS: Final = ("rotations", "notes")
_logger = structlog.get_logger()


class AdminNotes:
    """Logs the notes of a data folder. Belongs to one event loop."""

    def __init__(self, folder: Path, own: OwnEntries, keyring: Keyring, clock: Callable[[], float] = monotonic) -> None:
        """`clock` returns seconds."""
        self._folder = folder
        self._own = own
        self._keyring = keyring
        self._clock = clock
        self._reported: dict[Path, float] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Log what is there, and what comes."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="notes")

    async def stop(self) -> None:
        """Finish the note at hand and stop."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def log(self) -> None:
        """Log every note that is there and remove it.

        What can't be logged is reported, stays for the next time, and keeps no other note back.
        """
        paths = await asyncio.to_thread(_notes, self._folder)
        self._reported = {path: at for path, at in self._reported.items() if path in paths}
        for path in paths:
            try:
                await self._log_note(path)
            except Exception as error:  # whatever a file holds
                self._report(path, error)

    def unlogged(self) -> int:
        """Return how many notes lie there. Blocks."""
        return len(_notes(self._folder))

    def _report(self, path: Path, error: Exception) -> None:
        now = self._clock()
        if now - self._reported.get(path, now - REMINDER) >= REMINDER:
            self._reported[path] = now
            _logger.error("what was administered could not be logged", note=path.name, error=type(error).__name__)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self.log()
            try:
                await asyncio.wait_for(self._stopping.wait(), SECONDS)
            except TimeoutError:
                continue

    async def _log_note(self, path: Path) -> None:
        """Log a note and remove it. A crash in between finds the entry there and only removes the note."""
        said = await asyncio.to_thread(read_note, path)
        if path.parent.name == "rotations":
            said = {"action": ROTATION, "purpose": "key rotation", "details": said}
        act_id = UUID(said.get("id", path.stem)).bytes
        if "sealed" in said:
            read = await asyncio.to_thread(opened_note, self._keyring, act_id, said["sealed"])
            await self._own.log_fields(act_id, read)
        else:
            action, details, purpose = said["action"], said["details"], said["purpose"]
            await self._own.log(act_id, SERVICE, action, "allowed", details, purpose=purpose)
        await asyncio.to_thread(path.unlink)


def _notes(folder: Path) -> list[Path]:
    return sorted(path for name in _FOLDERS for path in (folder / name).glob("*.json"))

"""Notes of what was administered from the command line, where the log itself does not hear of it: keys that were
rotated, tokens that were issued or revoked. `tlog serve` logs each as an entry of its own, when it starts and while it
runs.

    DIR/rotations/<id>.json   details of a key rotation
    DIR/notes/<id>.json       {"action": …, "purpose": …, "details": {…}, "id"?: …}

The id is that of the entry, so that it is logged once. A note that says another id is of what may be noted again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from tlog.audit.entry import new_entry_id
from tlog.keys.secret_file import create_secret_file, read_secret_file
from tlog.service.own_entries import SERVICE, OwnEntries
from tlog.storage.durable import sync_folder

ROTATION: Final = "tlog.key.rotate"
SECONDS: Final = 2.0
"""How often a running log looks for notes."""
_FOLDERS: Final = ("rotations", "notes")
_logger = structlog.get_logger()


class AdminNotes:
    """Logs the notes of a data folder. Belongs to one event loop."""

    def __init__(self, folder: Path, own: OwnEntries) -> None:
        self._folder = folder
        self._own = own
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
        for path in await asyncio.to_thread(_notes, self._folder):
            try:
                await _log_note(path, self._own)
            except Exception as error:  # whatever a file holds
                _logger.error("what was administered could not be logged", note=path.name, error=type(error).__name__)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self.log()
            try:
                await asyncio.wait_for(self._stopping.wait(), SECONDS)
            except TimeoutError:
                continue


def leave_note(folder: Path, details: Mapping[str, Any]) -> None:
    """Leave a note in `folder`, made if missing; durable on return. Nothing secret or personal may be in `details`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    unfinished = folder / f"{UUID(new_entry_id())}.new"
    create_secret_file(unfinished, json.dumps(details).encode())
    unfinished.rename(unfinished.with_suffix(".json"))
    sync_folder(folder)


async def _log_note(path: Path, own: OwnEntries) -> None:
    """Log a note and remove it. A crash in between finds the entry there and only removes the note."""
    said = json.loads(await asyncio.to_thread(read_secret_file, path))
    if path.parent.name == "rotations":
        said = {"action": ROTATION, "purpose": "key rotation", "details": said}
    act_id = UUID(said.get("id", path.stem)).bytes
    await own.log(act_id, SERVICE, said["action"], "allowed", said["details"], purpose=said["purpose"])
    await asyncio.to_thread(path.unlink)


def _notes(folder: Path) -> list[Path]:
    return sorted(path for name in _FOLDERS for path in (folder / name).glob("*.json"))

"""Notes of rotations made while the log was stopped; `tlog serve` logs each as an entry of its own when it starts.

DIR/rotations/<id>.json: {"kind": …, "details": {…}}. The id is that of the entry, so that it is logged once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from tlog.audit.entry import new_entry_id
from tlog.keys.secret_file import create_secret_file, read_secret_file
from tlog.service.own_entries import SERVICE, OwnEntries
from tlog.storage.durable import sync_folder

ACTION: Final = "tlog.key.rotate"


def leave_note(folder: Path, details: Mapping[str, Any]) -> None:
    """Leave a note in `folder`, made if missing; durable on return. Nothing secret or personal may be in `details`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    unfinished = folder / f"{UUID(new_entry_id())}.new"
    create_secret_file(unfinished, json.dumps(details).encode())
    unfinished.rename(unfinished.with_suffix(".json"))
    sync_folder(folder)


async def log_notes(folder: Path, own: OwnEntries) -> None:
    """Log every note and remove it. A crash in between finds the entry there and only removes the note."""
    for path in await asyncio.to_thread(_notes, folder):
        details = json.loads(await asyncio.to_thread(read_secret_file, path))
        await own.log(UUID(path.stem).bytes, SERVICE, ACTION, "allowed", details, purpose="key rotation")
        await asyncio.to_thread(path.unlink)


def _notes(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []

"""Notes left in a data folder, each in a file of its own, for the log to log when it runs (`admin_notes.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from tlog.audit.entry import new_entry_id
from tlog.keys.secret_file import create_secret_file
from tlog.storage.durable import sync_folder


def leave_note(folder: Path, details: Mapping[str, Any], note_id: str | None = None) -> None:
    """Leave a note in `folder`, made if missing; durable on return. Nothing secret or personal may be in `details`.

    `note_id` is the id of the entry that will log it. Raises `ConfigurationInvalid` or OSError, and leaves none then.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)  # the folder itself may be new, or from a run that ended here
    unfinished = folder / f"{UUID(note_id or new_entry_id())}.new"
    create_secret_file(unfinished, json.dumps(details).encode())
    unfinished.rename(unfinished.with_suffix(".json"))
    sync_folder(folder)

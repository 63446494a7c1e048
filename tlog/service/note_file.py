"""Notes left in a data folder, each in a file of its own, for the log to log when it runs (`admin_notes.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from tlog.audit.entry import new_entry_id
from tlog.errors import ConfigurationInvalid, TooLarge
from tlog.keys.secret_file import create_secret_file, read_secret_file
from tlog.storage.durable import sync_folder

MAX_NOTE: Final = 512 * 1024
"""So many bytes has a note at most. It holds more than its entry: JSON escapes and base64, twice for a person."""


def leave_note(folder: Path, details: Mapping[str, Any], note_id: str | None = None) -> None:
    """Leave a note in `folder`, made if missing; durable on return. Nothing secret or personal may be in `details`.

    `note_id` is the id of the entry that will log it. Raises `ConfigurationInvalid`, and `TooLarge` for what no log
    would read again; then it leaves none.
    """
    note = json.dumps(details).encode()
    if len(note) > MAX_NOTE:
        raise TooLarge(f"the note of it would have {len(note)} bytes, more than {MAX_NOTE}")
    try:
        _leave(folder, note, UUID(note_id or new_entry_id()))
    except OSError as error:
        raise ConfigurationInvalid(f"no note can be left in {folder}: {error.strerror}") from None


def read_note(path: Path) -> Any:
    """Return what a note says. Raises `ConfigurationInvalid` or ValueError for a file that is none."""
    return json.loads(read_secret_file(path, limit=MAX_NOTE))


def _leave(folder: Path, note: bytes, note_id: UUID) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)  # the folder itself may be new, or from a run that ended here
    unfinished = folder / f"{note_id}.new"
    create_secret_file(unfinished, note)
    unfinished.rename(unfinished.with_suffix(".json"))
    sync_folder(folder)

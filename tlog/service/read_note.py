"""The note of a read of a stopped log, which can't be logged before something is shown: left before, logged later.

    DIR/notes/<id>.json    {"action": "tlog.read.offline", "sealed": "<base64>"}

`sealed` opens under the keyring, as what an act says does, to the fields of the entry that logs it:

    {"occurred_at": …, "actor": {…}, "outcome": …, "details": {…}, "indices": [17, …], "person": <key_id> | null}

`person` is the number of the key of a data subject who was looked up by name, as over HTTP (`access_log.py`): nothing
in a note or in its entry is theirs.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from tlog.audit.entry import Actor, new_entry_id, parse_entry
from tlog.audit.fields import Text, check_one_line
from tlog.errors import BadRequest, NotLogged, TlogError
from tlog.keys.keyring import Keyring
from tlog.service.access_log import PURPOSE, Outcome, targets_of
from tlog.service.note_file import leave_note
from tlog.service.own_entries import SOURCE

READ_OFFLINE: Final = "tlog.read.offline"
MAX_INDICES: Final = 500
"""So many entries are named by one note, as by one answer of the log."""


@dataclass(frozen=True, slots=True, repr=False)
class OfflineRead:
    """What was read, and how it ended. `person` is the number of the key of a data subject who was looked up by name;
    `details`, among them the purpose, must not say who that is: they stay."""

    actor: Actor
    occurred_at: str
    outcome: Outcome
    details: Mapping[str, Any]
    indices: Sequence[int] = ()
    person: int | None = None


@dataclass(frozen=True, slots=True)
class ReadNotes:
    """Leaves notes in a folder."""

    folder: Path
    keyring: Keyring

    def leave(self, read: OfflineRead) -> None:
        """Leave the note of a read; durable on return. Raises `NotLogged`: then nothing may be shown."""
        note_id = new_entry_id()
        try:
            said = _said(read)
            _require_loggable(_fields(said))
            sealed = self.keyring.seal_payload(json.dumps(said).encode(), UUID(note_id).bytes)
            leave_note(self.folder, {"action": READ_OFFLINE, "sealed": b64encode(sealed).decode()}, note_id)
        except TlogError as error:
            raise NotLogged(f"what can't be noted is not shown: {error}") from None


def _said(read: OfflineRead) -> dict[str, Any]:
    return {
        "occurred_at": read.occurred_at,
        "actor": msgspec.to_builtins(read.actor),
        "outcome": read.outcome,
        "details": dict(read.details),
        "indices": list(read.indices),
        "person": read.person,
    }


def opened_note(keyring: Keyring, note_id: bytes, sealed: str) -> dict[str, Any]:
    """Return the fields of the entry that logs a note. Raises `DecryptionFailed` under another keyring."""
    return _fields(json.loads(keyring.open_payload(b64decode(sealed), note_id)))


def _fields(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "occurred_at": said["occurred_at"],
        "actor": said["actor"],
        "action": READ_OFFLINE,
        "outcome": said["outcome"],
        "purpose": PURPOSE,
        "crud": "read",
        "details": said["details"],
        "targets": targets_of(said["indices"], said["person"]),
    }


def _require_loggable(values: Mapping[str, Any]) -> None:
    """Raise `EntryInvalid` for what no log would take: its note would stay in the folder for ever. `BadRequest` for a
    purpose that is no text of one line, as every other text of an entry is."""
    purpose = values["details"]["purpose"]
    try:
        msgspec.convert(purpose, Text)
        check_one_line(purpose)
    except ValueError:  # msgspec's ValidationError is one
        raise BadRequest("purpose: expected a string of 1 to 1024 characters on one line") from None
    parse_entry(msgspec.json.encode({"schema": 1, "source": SOURCE, "seq": 0, **values}))

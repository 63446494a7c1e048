"""The note of a read of a stopped log, which can't be logged before something is shown: left before, logged later.

    DIR/notes/<id>.json    {"action": "tlog.read.offline", "sealed": "<base64>"}

`sealed` opens under the keyring, as what an act says does, to the fields of the entry that logs it:

    {"occurred_at": …, "actor": {…}, "outcome": …, "details": {…}, "indices": [17, …],
     "person": {"key_id": …, "sealed": "<base64>"}}

`person` is there where somebody was looked up by name whom the log knows, and opens under their own key to their id and
the purpose, which may name them: with their key both are gone, here as in the entry.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from tlog.audit.entry import Actor, new_entry_id, parse_entry
from tlog.audit.fields import Text, check_one_line
from tlog.errors import BadRequest, DecryptionFailed, NotLogged, TlogError
from tlog.keys.keyring import Keyring
from tlog.keys.person_payload import open_to_person, seal_to_person
from tlog.service.access_log import ENTRY, PURPOSE, Outcome
from tlog.service.note_file import leave_note
from tlog.service.own_entries import SOURCE

READ_OFFLINE: Final = "tlog.read.offline"
MAX_INDICES: Final = 500
"""So many entries are named by one note, as by one answer of the log."""


@dataclass(frozen=True, slots=True, repr=False)
class OfflineRead:
    """What was read, and how it ended. `subject` is a person whom the log knows and who was looked up by name;
    `details` must hold nothing personal, but for `purpose`, why it was read."""

    actor: Actor
    purpose: str
    occurred_at: str
    outcome: Outcome
    details: Mapping[str, Any]
    indices: Sequence[int] = ()
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class ReadNotes:
    """Leaves notes in a folder. `random` makes so many random bytes."""

    folder: Path
    keyring: Keyring
    random: Callable[[int], bytes]

    def leave(self, read: OfflineRead) -> None:
        """Leave the note of a read; durable on return. Raises `NotLogged`: then nothing may be shown."""
        note_id = new_entry_id()
        try:
            _require_loggable(read)
            sealed = self.keyring.seal_payload(json.dumps(self._said(read)).encode(), UUID(note_id).bytes)
            leave_note(self.folder, {"action": READ_OFFLINE, "sealed": b64encode(sealed).decode()}, note_id)
        except TlogError as error:
            raise NotLogged(f"what can't be noted is not shown: {error}") from None

    def _said(self, read: OfflineRead) -> dict[str, Any]:
        said: dict[str, Any] = {
            "occurred_at": read.occurred_at,
            "actor": msgspec.to_builtins(read.actor),
            "outcome": read.outcome,
            "details": dict(read.details),
            "indices": list(read.indices),
        }
        key_id = None if read.subject is None else self.keyring.find_person("subject", read.subject)
        if key_id is None:  # also who was erased since they were looked up
            said["details"]["purpose"] = read.purpose
            return said
        personal = json.dumps({"subject": read.subject, "purpose": read.purpose}).encode()
        sealed = seal_to_person(self.keyring, key_id, personal, self.random)
        return {**said, "person": {"key_id": key_id, "sealed": b64encode(sealed).decode()}}


def opened_note(keyring: Keyring, note_id: bytes, sealed: str) -> dict[str, Any]:
    """Return the fields of the entry that logs a note. Raises `DecryptionFailed` under another keyring. Blocks.

    Whoever was erased meanwhile is named no more: they would come back by having been looked up.
    """
    said = json.loads(keyring.open_payload(b64decode(sealed), note_id))
    values = _fields(said, [int(index) for index in said["indices"]])
    personal = _person(keyring, said.get("person"))
    if personal is not None:
        values["subjects"] = [{"id": personal["subject"]}]
        values["details"]["purpose"] = personal["purpose"]
    return values


def _fields(said: Mapping[str, Any], indices: Sequence[int]) -> dict[str, Any]:
    return {
        "occurred_at": said["occurred_at"],
        "actor": said["actor"],
        "action": READ_OFFLINE,
        "outcome": said["outcome"],
        "purpose": PURPOSE,
        "crud": "read",
        "details": dict(said["details"]),
        "targets": [{"type": ENTRY, "id": str(index)} for index in indices],
    }


def _person(keyring: Keyring, person: Mapping[str, Any] | None) -> dict[str, str] | None:
    if person is None or keyring.is_withdrawn(person["key_id"]):
        return None
    try:
        opened: dict[str, str] = json.loads(open_to_person(keyring, person["key_id"], b64decode(person["sealed"])))
    except DecryptionFailed:
        return None
    return opened


def _require_loggable(read: OfflineRead) -> None:
    """Raise `EntryInvalid` for what no log would take: its note would stay in the folder for ever. `BadRequest` for a
    purpose that is no text of one line, as every other text of an entry is."""
    try:
        msgspec.convert(read.purpose, Text)
        check_one_line(read.purpose)
    except ValueError:  # msgspec's ValidationError is one
        raise BadRequest("purpose: expected a string of 1 to 1024 characters on one line") from None
    said = {"occurred_at": read.occurred_at, "actor": read.actor, "outcome": read.outcome}
    details = {**read.details, "purpose": read.purpose}
    values = _fields({**said, "details": details}, read.indices)
    subjects = [] if read.subject is None else [{"id": read.subject}]
    parse_entry(msgspec.json.encode({"schema": 1, "source": SOURCE, "seq": 0, "subjects": subjects, **values}))

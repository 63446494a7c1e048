"""Fixed entries, keys and helpers that several tests need."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from tlog.audit.entry import Entry, parse_entry
from tlog.audit.opened import OpenKeys, SealedParts
from tlog.audit.seal import EntryKeys, SealedEntry, seal

RECEIVED_AT = 1_772_357_407_500_000  # 2026-03-01T09:30:07.5Z in microseconds

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "id": "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11",
    "source": "ehr-frontend",
    "seq": 4211,
    "occurred_at": "2026-03-01T09:30:07.123456Z",
    "actor": {"type": "employee", "id": "emp-0042", "name": "Dr. Ada Muster", "ip": "10.1.2.3", "session": "s-77"},
    "action": "patient.record.read",
    "crud": "read",
    "outcome": "allowed",
    "purpose": "treatment",
    "legal_basis": "GDPR Art. 9(2)(h)",
    "authorization": {"policy": "care-team", "decision_id": "dec-991"},
    "targets": [{"type": "record", "id": "rec-7731", "name": "lab results"}],
    "subjects": [{"id": "pat-1207", "data": {"ward": "B2"}}, {"id": "pat-3001"}],
    "correlation": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
    "details": {"fields": ["labs", "notes"], "rows": 12},
}
PERSONAL = (
    "emp-0042",
    "Ada Muster",
    "10.1.2.3",
    "s-77",
    "pat-1207",
    "pat-3001",
    "B2",
    "rec-7731",
    "lab results",
    "labs",
)


def document(**changes: Any) -> dict[str, Any]:
    """The sample document with top-level fields changed; a change to ... leaves the field out."""
    merged = json.loads(json.dumps(DOCUMENT)) | changes
    return {name: value for name, value in merged.items() if value is not ...}


def encoded(**changes: Any) -> bytes:
    return json.dumps(document(**changes)).encode()


def sample_entry(**changes: Any) -> Entry:
    return parse_entry(encoded(**changes))


def keys_for(entry: Entry) -> EntryKeys:
    return EntryKeys(os.urandom(32), os.urandom(32), tuple(os.urandom(32) for _ in entry.subjects))


def sealed_with(entry: Entry, keys: EntryKeys, random: Callable[[int], bytes] = os.urandom) -> SealedEntry:
    return seal(entry, RECEIVED_AT, keys, random)


def parts_of(sealed: SealedEntry) -> SealedParts:
    return SealedParts(sealed.id, sealed.leaf, sealed.core, sealed.actor, sealed.subjects, sealed.shared)


def open_keys(keys: EntryKeys) -> OpenKeys:
    return OpenKeys(keys.cohort, keys.actor, keys.subjects)


def labels_of(parts: SealedParts) -> list[str]:
    subjects = [f"subjects[{index}]" for index in range(len(parts.subjects))]
    return ["core", "actor", *subjects, *(["shared"] if parts.shared is not None else [])]


def part_at(parts: SealedParts, label: str) -> bytes:
    if label.startswith("subjects["):
        return parts.subjects[int(label[9:-1])]
    part: bytes = getattr(parts, label)
    return part


def with_part(parts: SealedParts, label: str, part: bytes) -> SealedParts:
    values: dict[str, Any] = {name: getattr(parts, name) for name in SealedParts.__struct_fields__}
    if label.startswith("subjects["):
        index = int(label[9:-1])
        values["subjects"] = (*parts.subjects[:index], part, *parts.subjects[index + 1 :])
    else:
        values[label] = part
    return SealedParts(**values)

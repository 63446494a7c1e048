"""An audit entry: who did what, when, to whose data, why, and whether it was allowed.

The Structs below are the only description of the format: msgspec decodes by them, and `faults.py` walks a
refused document by them to list everything that is wrong with it. `docs/spec-leaf.md` is the prose.

An entry is one JSON object of at most `MAX_ENTRY_BYTES`. Unknown fields are refused. An optional scalar or
group may be `null`, which means the same as leaving it out; arrays and the free objects `details` and
`data` may only be left out. The free objects are kept as the exact bytes that came in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
import uuid_utils
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from tlog.audit import fields
from tlog.audit.faults import collect_faults
from tlog.audit.strict_json import json_fault
from tlog.errors import EntryInvalid, Fault

MAX_ENTRY_BYTES = 65536
MAX_FAULTS = 1000
"""Faults of a batch after which the search for more ends: listing them costs more than the batch is worth."""
JSON = "application/json"
NDJSON = "application/x-ndjson"


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of an entry. Its text form names only the type: values are personal data."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class Actor(Record, frozen=True, kw_only=True):
    """Who acted."""

    type: fields.TypeName
    id: fields.Identifier
    name: fields.Text | None = None
    role: fields.Text | None = None
    organization: fields.Text | None = None
    ip: fields.IpAddress | None = None
    user_agent: fields.Text | None = None
    session: fields.Identifier | None = None


class Target(Record, frozen=True, kw_only=True):
    """A thing that was acted on."""

    type: fields.TypeName
    id: fields.Identifier
    name: fields.Text | None = None


class Subject(Record, frozen=True, kw_only=True):
    """A person whose data were touched. `data` is a JSON object, byte for byte as it came."""

    id: fields.Identifier
    data: fields.JsonObject | UnsetType = UNSET


class Authorization(Record, frozen=True, kw_only=True):
    """What allowed the action. Names roles, rules and decisions, never a person: it outlives their erasure."""

    policy: fields.Identifier | None = None
    decision_id: fields.Identifier | None = None
    granted_by: fields.Identifier | None = None


class Correlation(Record, frozen=True, kw_only=True):
    """Identifiers that lead to other systems' records of the same request."""

    trace_id: fields.Identifier | None = None
    request_id: fields.Identifier | None = None


Targets = Annotated[
    tuple[Target, ...],
    Meta(max_length=fields.MAX_TARGETS, description=f"an array of at most {fields.MAX_TARGETS} targets"),
]
Subjects = Annotated[
    tuple[Subject, ...],
    Meta(
        max_length=fields.MAX_SUBJECTS,
        description=f"an array of at most {fields.MAX_SUBJECTS} subjects",
        extra={"unique": "id"},
    ),
]


class Entry(Record, frozen=True, kw_only=True):
    """One audit entry. `id` may be left out; give one (a UUIDv7), and sending the entry again is harmless."""

    schema: fields.SchemaVersion
    id: fields.EntryId = ""
    source: fields.SourceName
    seq: fields.Seq
    occurred_at: fields.Instant
    actor: Actor
    action: fields.Action
    outcome: fields.Outcome
    purpose: fields.Text
    targets: Targets = ()
    subjects: Subjects = ()
    legal_basis: fields.Text | None = None
    authorization: Authorization | None = None
    crud: fields.Crud | None = None
    correlation: Correlation | None = None
    retention: fields.RetentionClass = "standard"
    details: fields.JsonObject | UnsetType = UNSET


_decode = msgspec.json.Decoder(Entry).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def new_entry_id() -> str:
    """Return a fresh UUIDv7 (RFC 9562 section 5.7) as text."""
    return str(uuid_utils.uuid7())


def parse_entry(data: bytes, new_id: Callable[[], str] = new_entry_id) -> Entry:
    """Return the entry that `data`, one JSON object in UTF-8, holds; `new_id` makes a missing `id` (a
    UUIDv7).

    Raises EntryInvalid, which lists every fault and quotes no value.
    """
    entry = _accept(data)
    if entry is None:
        raise EntryInvalid(entry_faults(data))
    return entry if entry.id else structs.replace(entry, id=new_id())


def parse_entries(data: bytes, media_type: str, new_id: Callable[[], str] = new_entry_id) -> list[Entry]:
    """Return the entries of a request body, at least one.

    `media_type` (parameters ignored) is application/json for one object or an array of them, or
    application/x-ndjson for one object a line. Raises EntryInvalid with every fault of every entry, but no
    more than `MAX_FAULTS`; paths of an array and of NDJSON begin with the entry's index or line, from 0:
    `[3].actor.id`.
    """
    documents, single = _split(data, media_type.partition(";")[0].strip().lower())
    entries: list[Entry] = []
    faults: list[Fault] = []
    for index, document in enumerate(documents):
        try:
            entries.append(parse_entry(document, new_id))
        except EntryInvalid as error:
            faults += error.faults if single else [_under(index, fault) for fault in error.faults]
            if len(faults) > MAX_FAULTS:
                raise EntryInvalid(faults[:MAX_FAULTS], more=True) from None
    if faults:
        raise EntryInvalid(faults)
    return entries


def entry_faults(data: bytes) -> list[Fault]:
    """Return every fault of one entry's JSON text; empty exactly for an acceptable one."""
    if len(data) > MAX_ENTRY_BYTES:
        return [Fault("", f"the entry has {len(data)} bytes, the limit is {MAX_ENTRY_BYTES}")]
    fault = json_fault(data)
    if fault is not None and not fault.startswith("an object"):
        return [Fault("", fault)]
    return collect_faults(data, Entry)


def _accept(data: bytes) -> Entry | None:
    if len(data) > MAX_ENTRY_BYTES:
        return None
    try:
        entry = _decode(data)
        _check(entry, data)
    except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return None
    return entry if json_fault(data) is None else None


def _check(entry: Entry, data: bytes) -> None:
    # The checks that `fields.py` and `Subjects` name in their `extra`, said again for speed; a property test compares.
    fields.check_instant(entry.occurred_at)
    if b"\\" in data or b"\x7f" in data:  # the only ways to write a control character in JSON
        fields.check_one_line("".join(_strings(entry)))
    if entry.details is not UNSET:
        fields.check_object(entry.details)
    for subject in entry.subjects:
        if subject.data is not UNSET:
            fields.check_object(subject.data)
    if len(entry.subjects) > 1 and len({subject.id for subject in entry.subjects}) != len(entry.subjects):
        raise ValueError("one subject twice")


def _strings(record: Record) -> Iterator[str]:
    for value in structs.astuple(record):
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple | Record):
            for member in value if isinstance(value, tuple) else (value,):
                yield from _strings(member)


def _split(data: bytes, media_type: str) -> tuple[list[bytes], bool]:
    if media_type == NDJSON:
        return _lines(data), False
    if media_type != JSON:
        raise EntryInvalid([Fault("", f"expected the media type {JSON} or {NDJSON}")])
    if data.lstrip(b" \t\r\n")[:1] != b"[":
        return [data], True
    return _items(data), False


def _lines(data: bytes) -> list[bytes]:
    lines = data.removesuffix(b"\n").split(b"\n")
    if lines == [b""]:
        raise EntryInvalid([Fault("", "expected at least one entry")])
    return lines


def _items(data: bytes) -> list[bytes]:
    try:
        items = _decode_array(data)
    except (ValueError, RecursionError):
        raise EntryInvalid([Fault("", json_fault(data) or "not an array of entries")]) from None
    if not items:
        raise EntryInvalid([Fault("", "expected at least one entry")])
    return [bytes(item) for item in items]


def _under(index: int, fault: Fault) -> Fault:
    return Fault(f"[{index}].{fault.path}" if fault.path else f"[{index}]", fault.message)

"""An export for a data subject (Art. 15 GDPR): every entry about one person, acting employees redacted.

One JSON object (RFC 8259, UTF-8):

    {"format": "tlog-subject-access/v1",
     "origin": "<the log>", "made_at": "<RFC 3339, the log's clock>",
     "act": "<UUIDv7>",                         the id of the log's own entry that says that this was made
     "subject": "<the person's id>",
     "known": true,                             whether any entry of the log, or of those in `limited_to`, names them
     "notice": "<text>" | null,                 where there are no entries: that this is so, in words
     "tree_size": 120,                          complete up to here: of the entries 0 to 119, every one about the person
     "from": "<RFC 3339>" | null, "to": … | null,                    of `occurred_at`, `to` is not part of it
     "limited_to": "sources clinic" | null,     the only entries that whoever asked may read; null: all of the log
     "include_details": false,
     "retention": [{"name": "<class>", "months": 12, "reason": "<text>"}, …],
     "summary": {"purposes": [{"value": …, "entries": 3, "first": "<RFC 3339>", "last": …}, …],
                 "sources": […], "actions": […], "actors": […]},
     "entries": [<AccessEntry>, …],             by rising index
     "unreadable": [{"index": 7, "received_at": …, "source": …, "action": …, "problem": "<why>"}, …],
     "not_included": [{"what": "<text>", "why": "<text>"}, …]}

Rules: unknown members are refused; indices rise, are below `tree_size`, and no index stands twice; who has entries is
known. All times are UTC. Who asked for the file, and on whose authority, is in the log's own entry of it, not here.
What the file says is the word of whoever made it; evidence (`evidence.py`) proves entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tlog.audit.strict_json import json_fault
from tlog.errors import MalformedSubjectAccess

FORMAT: Final = "tlog-subject-access/v1"
MAX_ENTRIES: Final = 10_000
MAX_BYTES: Final = 32 << 20
NamedAs = Literal["subject", "actor"]
ErasedGroup = Literal["actor", "shared"]

Index = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Time = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z\Z")]
Text = Annotated[str, Meta(max_length=1 << 16)]


class Shown(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file. Its text form names only the type: values are personal data."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class AccessActor(Shown, frozen=True, kw_only=True):
    """Who acted, by category. `name`, `ip` and `user_agent` only where that was the person themself (`yourself`)."""

    type: Text
    role: Text | None = None
    organization: Text | None = None
    yourself: bool = False
    name: Text | None = None
    ip: Text | None = None
    user_agent: Text | None = None


class AccessTarget(Shown, frozen=True, kw_only=True):
    """What was acted on, by category; `id` and `name` only with `include_details`."""

    type: Text
    id: Text | None = None
    name: Text | None = None


class AccessEntry(Shown, frozen=True, kw_only=True):
    """What the person is told of one entry.

    `named_as` says in which role it names them. `data` is what it holds about them. `others`: it names other subjects
    too. `expires_at` is when its retention period ends, null where there is none. `erased` names what was erased since:
    who acted, or targets and details (`shared`). `left_out` names fields that are there and not shown.
    """

    index: Index
    occurred_at: Time
    received_at: Time
    source: Text
    action: Text
    crud: Text | None
    outcome: Text
    purpose: Text | None
    legal_basis: Text | None
    actor: AccessActor | None
    named_as: list[NamedAs]
    data: dict[str, Any] | None
    targets: list[AccessTarget]
    details: dict[str, Any] | None
    others: bool
    retention: Text
    expires_at: Time | None
    erased: list[ErasedGroup]
    left_out: list[Text]


class Unreadable(Shown, frozen=True, kw_only=True):
    """An entry about the person that can't be read, and why; what else is not known of it is null."""

    index: Index
    received_at: Time | None
    source: Text | None
    action: Text | None
    problem: Text


class RetentionPeriod(Shown, frozen=True, kw_only=True):
    """A retention class: kept so many months after the month in which an entry came."""

    name: Text
    months: Annotated[int, Meta(ge=0)]
    reason: Text


class Count(Shown, frozen=True, kw_only=True):
    """How many entries say this, and when the first and the last of them happened; `value` is null where left out."""

    value: Text | None
    entries: Annotated[int, Meta(ge=1)]
    first: Time
    last: Time


class Summary(Shown, frozen=True, kw_only=True):
    """The entries counted by purpose, source, action and category of who acted; the most frequent first."""

    purposes: list[Count]
    sources: list[Count]
    actions: list[Count]
    actors: list[Count]


class NotIncluded(Shown, frozen=True, kw_only=True):
    """What is not in the file, and why."""

    what: Text
    why: Text


class SubjectAccess(Shown, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """The whole file, as it stands in JSON."""

    format: Literal["tlog-subject-access/v1"]
    origin: Annotated[str, Meta(min_length=1, max_length=255)]
    made_at: Time
    act: Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
    subject: Text
    known: bool
    notice: Text | None
    tree_size: Index
    start: Time | None
    end: Time | None
    limited_to: Text | None
    include_details: bool
    retention: list[RetentionPeriod]
    summary: Summary
    entries: Annotated[list[AccessEntry], Meta(max_length=MAX_ENTRIES)]
    unreadable: Annotated[list[Unreadable], Meta(max_length=MAX_ENTRIES)]
    not_included: list[NotIncluded]

    def encode(self) -> bytes:
        """Return the file's bytes on one line: indented, a nested array could be thirty times as long."""
        return msgspec.json.encode(self) + b"\n"


def parse_subject_access(data: bytes) -> SubjectAccess:
    """Return the export in a file's bytes. Raises `MalformedSubjectAccess`; its message quotes no value."""
    if len(data) > MAX_BYTES:
        raise MalformedSubjectAccess(f"subject access: {len(data)} bytes, more than {MAX_BYTES}")
    if fault := json_fault(data):
        raise MalformedSubjectAccess(f"subject access: {fault}")
    try:
        found = msgspec.json.decode(data, type=SubjectAccess)
    except msgspec.ValidationError as error:  # names types and places, quotes no value
        raise MalformedSubjectAccess(f"subject access: {error}") from None
    _require_places(found)
    return found


def _require_places(found: SubjectAccess) -> None:
    entries, unreadable = [item.index for item in found.entries], [item.index for item in found.unreadable]
    for name, indices in (("entries", entries), ("unreadable", unreadable)):
        _require(indices == sorted(set(indices)), f"the indices of {name} do not rise")
    _require(not set(entries) & set(unreadable), "an index stands in entries and in unreadable")
    _require(found.known or not (entries or unreadable), "it has entries of somebody who is said to be unknown")
    _require(all(index < found.tree_size for index in (*entries, *unreadable)), "an index is beyond the tree size")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise MalformedSubjectAccess(f"subject access: {otherwise}")


def indices_of(found: SubjectAccess) -> Sequence[int]:
    """Return the indices of the entries that could be read."""
    return [entry.index for entry in found.entries]

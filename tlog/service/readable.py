"""What can be read of stored entries, and what the acts of the log say of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from tlog.audit.erased_part import ErasedPart
from tlog.audit.fields import instant
from tlog.audit.opened import OpenedEntry
from tlog.audit.part import ACTOR, SHARED, subject_label
from tlog.errors import Expired, TlogError
from tlog.service.entries import EntryReader
from tlog.service.evidence import Provable
from tlog.storage.act_store import Act, ActStore
from tlog.storage.log_store import StoredEntry

Readable = tuple[StoredEntry, OpenedEntry]


def read_all(rows: Sequence[StoredEntry], reader: EntryReader, acts: ActStore) -> list[Readable]:
    """Return every row with what can still be read of it; raises why one can't be, as `EntryReader.opened` does,
    an `Expired` with its act. Blocks."""
    return [(row, _required(opened, acts)) for row, opened in zip(rows, reader.open_all(rows), strict=True)]


def provable(entries: Sequence[Readable], acts: ActStore) -> list[Provable]:
    """Return entries as evidence is made of them. Blocks."""
    erased = erased_parts([stored for stored, _ in entries], acts)
    return [Provable(stored, opened, parts) for (stored, opened), parts in zip(entries, erased, strict=True)]


def erased_parts(rows: Sequence[StoredEntry], acts: ActStore) -> list[list[ErasedPart]]:
    """Return the erased parts of each row, in order, for one look-up of their acts. Blocks."""
    numbers = {number for row in rows for _, number in _erased(row)}
    found = acts.by_number(numbers) if numbers else {}
    return [_parts(row, found) for row in rows]


def named_expiry(error: Expired, acts: ActStore) -> Expired:
    """Return the error with the act that let the entry expire, when, and the entry that logs it. Blocks."""
    act = acts.by_number([error.act]).get(error.act)
    if act is None:
        return error
    when = "" if act.applied_at is None else f" at {instant(act.applied_at)}"
    logged = "" if act.entry_index is None else f", logged as entry {act.entry_index}"
    return Expired(f"{error}; by act {UUID(bytes=act.act_id)}{when}{logged}", error.act)


def _required(opened: OpenedEntry | TlogError, acts: ActStore) -> OpenedEntry:
    if isinstance(opened, Expired):
        raise named_expiry(opened, acts)
    if isinstance(opened, TlogError):
        raise opened
    return opened


def _parts(row: StoredEntry, acts: Mapping[int, Act]) -> list[ErasedPart]:
    return [_part(label, acts[number]) for label, number in _erased(row) if number in acts]


def _part(label: str, act: Act) -> ErasedPart:
    at = None if act.applied_at is None else instant(act.applied_at)
    return ErasedPart(label, str(UUID(bytes=act.act_id)), at, act.entry_index)


def _erased(row: StoredEntry) -> Iterator[tuple[str, int]]:
    """Yield the label of each erased part with the number of the act that erased it."""
    for part in row.personal:
        if part.act is not None:
            yield subject_label(part.part - 1) if part.part else ACTOR, part.act
    if row.columns["shared_act"] is not None:
        yield SHARED, row.columns["shared_act"]

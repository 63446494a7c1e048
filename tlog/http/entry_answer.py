"""Stored entries as answers: what can still be read, and for what is gone, by which act and when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from tlog.audit.fields import instant
from tlog.audit.opened import OpenedEntry
from tlog.audit.part import ACTOR, SHARED, subject_label
from tlog.errors import Expired
from tlog.formats.encoding import b64encode
from tlog.http.answers import EntryAnswer, ErasedPartAnswer
from tlog.service.entries import stored_cohort
from tlog.service.log import Log
from tlog.service.retention_rules import parse_cohort
from tlog.storage.act_store import Act
from tlog.storage.log_store import StoredEntry

Readable = tuple[StoredEntry, OpenedEntry]


def entry_answers(log: Log, entries: Sequence[Readable]) -> list[EntryAnswer]:
    """Return the answers of opened entries, in order, for one look-up of their acts. Blocks."""
    numbers = {number for stored, _ in entries for _, number in _erased(stored)}
    acts = log.acts.store.by_number(numbers) if numbers else {}
    held = log.held([stored.index for stored, _ in entries])
    return [_answer(log, stored, opened, acts, held) for stored, opened in entries]


def named_expiry(log: Log, error: Expired) -> Expired:
    """Return the error with the act that let the entry expire, when, and the entry that logs it. Blocks."""
    act = log.acts.store.by_number([error.act]).get(error.act)
    if act is None:
        return error
    when = "" if act.applied_at is None else f" at {instant(act.applied_at)}"
    logged = "" if act.entry_index is None else f", logged as entry {act.entry_index}"
    return Expired(f"{error}; by act {UUID(bytes=act.act_id)}{when}{logged}", error.act)


def _answer(
    log: Log, stored: StoredEntry, opened: OpenedEntry, acts: Mapping[int, Act], held: Collection[int]
) -> EntryAnswer:
    return EntryAnswer(
        index=stored.index,
        leaf=b64encode(stored.leaf),
        received_at=instant(stored.columns["received_at"]),
        entry=opened.entry,
        disclosures=dict(opened.disclosures),
        erased=list(opened.erased),
        erased_digests=[b64encode(value) for value in opened.erased_digests],
        expires_at=_expires_at(log, stored),
        on_hold=stored.index in held,
        erasures=[_erasure(label, acts[number]) for label, number in _erased(stored) if number in acts],
    )


def _expires_at(log: Log, stored: StoredEntry) -> str | None:
    end = parse_cohort(stored_cohort(stored)).expires_at(log.classes)
    return None if end is None else instant(end)


def _erased(stored: StoredEntry) -> Iterator[tuple[str, int]]:
    """Yield the label of each erased part with the number of the act that erased it."""
    for part in stored.personal:
        if part.act is not None:
            yield subject_label(part.part - 1) if part.part else ACTOR, part.act
    if stored.columns["shared_act"] is not None:
        yield SHARED, stored.columns["shared_act"]


def _erasure(label: str, act: Act) -> ErasedPartAnswer:
    return ErasedPartAnswer(
        part=label,
        act=str(UUID(bytes=act.act_id)),
        at=None if act.applied_at is None else instant(act.applied_at),
        index=act.entry_index,
    )

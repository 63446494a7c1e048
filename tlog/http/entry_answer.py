"""Stored entries as answers: what can still be read, and for what is gone, by which act and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tlog.audit.erased_part import ErasedPart
from tlog.audit.fields import instant
from tlog.formats.encoding import b64encode
from tlog.http.answers.entries import EntryAnswer, ErasedPartAnswer
from tlog.service.entries import stored_cohort
from tlog.service.log import Log
from tlog.service.readable import Readable, erased_parts
from tlog.service.retention_rules import parse_cohort
from tlog.storage.log_store import StoredEntry


def entry_answers(log: Log, entries: Sequence[Readable]) -> list[EntryAnswer]:
    """Return the answers of opened entries, in order, for one look-up of their acts. Blocks."""
    rows = [stored for stored, _ in entries]
    erased = erased_parts(rows, log.acts.store)
    held = log.held([row.index for row in rows])
    return [_answer(log, entry, parts, held) for entry, parts in zip(entries, erased, strict=True)]


def _answer(log: Log, entry: Readable, erased: Sequence[ErasedPart], held: Collection[int]) -> EntryAnswer:
    stored, opened = entry
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
        erasures=[ErasedPartAnswer(part=part.part, act=part.act, at=part.at, index=part.index) for part in erased],
    )


def _expires_at(log: Log, stored: StoredEntry) -> str | None:
    end = parse_cohort(stored_cohort(stored)).expires_at(log.classes)
    return None if end is None else instant(end)

"""Erasing one person, step by step: what is replaced by what, in which order, and what must be true before each.

    prepare     digests of every part of theirs, checked against the leaves; nothing is changed
    withdraw    nobody finds their key any more, and what was sealed under it is not stored any more (`LogStore`'s
                epoch): from here on no part can appear under the key
    keep        what is held and came after the erasure was decided: it is sealed under another key of the person
    record      the digests, durably outside the databases
    apply       parts replaced by digests, in one transaction
    destroy     the key
    scrub       what is left of both in the databases' files

Every step may be repeated. A part that does not open has no digests to keep: nothing is erased then, unless that is
accepted, and the part is replaced by the empty list of digests, which leaves its entry as unverifiable as it was.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import UNSET

from tlog.audit.erasure_record import ErasedPart, ErasureRecord
from tlog.audit.part import ACTOR, ERASED, SHARED, subject_label
from tlog.errors import DecryptionFailed, LeafMismatch, StorageFault, TlogError
from tlog.keys.keyring import Keyring
from tlog.keys.person_payload import open_to_person, seal_to_person
from tlog.service.entries import EntryReader
from tlog.service.person_rekey import PersonRekey
from tlog.storage.act_store import Act
from tlog.storage.erasure_records import ErasureRecords
from tlog.storage.erasure_store import ErasureStore, Place, part_number
from tlog.storage.log_store import LogStore, PersonalPart, StoredEntry
from tlog.storage.scrub import scrub
from tlog.storage.tables import acts, entries, personal, terms

Role = Literal["actor", "subject"]
Report = Callable[[int, int], None]
PAGE: Final = 200
UNVERIFIABLE: Final = ERASED
"""What stands in the place of a part that was damaged before it was erased: no digests at all."""


@dataclass(slots=True)
class Prepared:
    """What will stand in the place of a person's parts; `damaged` are indices of entries that do not open."""

    parts: dict[Place, list[ErasedPart]] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)

    def keep_only(self, places: Sequence[Place]) -> None:
        """Forget what is at other places."""
        kept = set(places)
        self.parts = {place: parts for place, parts in self.parts.items() if place in kept}
        self.damaged = [index for index in self.damaged if any(place.at == index for place in self.parts)]

    @property
    def erased(self) -> list[ErasedPart]:
        """All of it, by index."""
        return [part for place in sorted(self.parts) for part in self.parts[place]]

    @property
    def entries(self) -> int:
        """How many entries it concerns."""
        return len({place.at for place in self.parts})


@dataclass(frozen=True, slots=True)
class PersonEraser:
    """Blocks: call it off the event loop, one act at a time."""

    origin: str
    store: LogStore
    erasures: ErasureStore
    reader: EntryReader
    keyring: Keyring
    records: ErasureRecords
    random: Callable[[int], bytes]

    def sealed_identity(self, key_id: int, identity: str) -> str:
        """Return what a person is called, in base64, sealed under the key that their erasure destroys."""
        return b64encode(seal_to_person(self.keyring, key_id, identity.encode(), self.random)).decode()

    def identity(self, key_id: int, sealed: str) -> str | None:
        """Return what `sealed_identity` was given; None where it does not open any more."""
        try:
            return open_to_person(self.keyring, key_id, b64decode(sealed)).decode()
        except DecryptionFailed:
            return None

    def prepare(self, key_id: int, prepared: Prepared, report: Report) -> None:
        """Add to `prepared` what is not in it yet, in pages, and take out what is not under the key any more; `report`
        is told how far it is."""
        places = self.erasures.places(key_id)
        prepared.keep_only(places)
        missing = [place for place in places if place not in prepared.parts]
        for start in range(0, len(missing), PAGE):
            page = missing[start : start + PAGE]
            rows = self.store.entries_at(sorted({place.at for place in page}))
            wanted = [(rows[place.at], _labels(rows[place.at], place)) for place in page]
            for place, (_, labels), found in zip(page, wanted, self.reader.erased(wanted), strict=True):
                if isinstance(found, TlogError):
                    prepared.damaged.append(place.at)
                digests = dict.fromkeys(labels, UNVERIFIABLE) if isinstance(found, TlogError) else found
                prepared.parts[place] = [ErasedPart.of(place.at, label, digests[label]) for label in labels]
            report(start + len(page), len(missing))

    def withdraw(self, key_id: int) -> None:
        """Let nobody find the key any more."""
        self.keyring.withdraw_person(key_id)

    def fence(self) -> None:
        """Let nothing be stored any more that was sealed before the key was withdrawn."""
        self.store.advance_epoch()

    def keep(self, indices: Sequence[int], old: int, new: int) -> None:
        """Seal what these entries hold of the person under another key of theirs (`person_rekey.py`)."""
        PersonRekey(self.store, self.erasures, self.reader, self.keyring, self.random).move(indices, old, new)

    def record(self, act: Act, role: Role, parts: Sequence[ErasedPart], kept: Sequence[int] = ()) -> ErasureRecord:
        """Write and return the record of an act; durable on return. `act` names the key."""
        record = ErasureRecord(
            version=1,
            origin=self.origin,
            act=str(UUID(bytes=act.act_id)),
            kind="erasure",
            at=act.requested_at,
            key_id=act.key_id if act.key_id is not None else UNSET,
            role=role,
            moved=kept,
            parts=parts,
        )
        self.records.write(record)
        return record

    def apply(self, record: ErasureRecord, act: Act, **values: Any) -> Act:
        """Replace the parts, in one transaction with the act's move to `applied`. Raises `StorageFault`."""
        return self.erasures.apply(act, key_of(record), list(record.parts), **values)

    def destroy(self, key_id: int) -> None:
        """Destroy the key. What was sealed under it must be gone from the log's database."""
        self.keyring.destroy_person(key_id)

    def scrub(self) -> None:
        """Clean both databases' files. Raises `Unavailable` where that is not possible now."""
        self.keyring.scrub()
        scrub(self.store.database, large=(personal, entries, terms), small=(acts,))

    def check(self, record: ErasureRecord) -> None:
        """Raise `StorageFault` where a record does not fit the entries that are here and still sealed."""
        for page in _pages(record.parts):
            rows = self.store.entries_at(sorted(page))
            erased = [_erased(row, page[row.index]) for row in rows.values() if row.columns["core"] is not None]
            for row, opened in zip(erased, self.reader.open_all(erased), strict=True):
                if isinstance(opened, LeafMismatch):
                    raise StorageFault(f"the erasure record of act {record.act} does not fit entry {row.index}")


def key_of(record: ErasureRecord) -> int:
    """Return the name of the key that an erasure destroyed. Raises `StorageFault` where it names none."""
    if record.key_id is UNSET:
        raise StorageFault(f"the erasure record of act {record.act} names no key")
    return record.key_id


def _labels(row: StoredEntry, place: Place) -> list[str]:
    if place.part == 0:
        return [ACTOR]
    shared = row.columns["shared"] is not None and row.columns["shared_act"] is None
    return [subject_label(place.part - 1), SHARED] if shared else [subject_label(place.part - 1)]


def _pages(parts: Sequence[ErasedPart]) -> Iterator[dict[int, list[ErasedPart]]]:
    page: dict[int, list[ErasedPart]] = {}
    for part in parts:
        if part.index not in page and len(page) == PAGE:
            yield page
            page = {}
        page.setdefault(part.index, []).append(part)
    if page:
        yield page


def _erased(row: StoredEntry, parts: Collection[ErasedPart]) -> StoredEntry:
    """Return a row as it will be once these parts are replaced."""
    by_number = {part_number(part.label): part.container for part in parts if part.label != SHARED}
    shared = next((part.container for part in parts if part.label == SHARED), row.columns["shared"])
    persons = tuple(_erased_part(part, by_number.get(part.part)) for part in row.personal)
    return replace(row, columns={**row.columns, "shared": shared}, personal=persons)


def _erased_part(part: PersonalPart, container: bytes | None) -> PersonalPart:
    return part if container is None or part.key_id is None else PersonalPart(part.part, None, container)

"""Expiry of one cohort, as an act (`acts.py`).

    count       how many entries will go; from here on the cohort's fate is decided
    move        what a legal hold covers, under the key of a new cohort; the leaf stays
    record      the cohort's name and what was moved, durably outside the databases
    destroy     the cohort's key: everything under it is unreadable, in every backup too. No key is made for it again
    fence       what was sealed under it and is not stored yet will not be
    shrink      the rows, block by block, to index and leaf
    forget      the keys and keyed hashes of persons of whom nothing is left
    scrub       what is left of both in the databases' files

Every step may be repeated; a crash in between goes on with the next start. Before the key is destroyed nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET

from tlog.audit.erasure_record import ErasureRecord
from tlog.audit.opened import OpenKeys, SealedParts
from tlog.audit.reseal import reseal
from tlog.errors import StorageFault
from tlog.keys.keyring import Keyring
from tlog.service.acts import Acts, Progress
from tlog.service.retention_rules import Cohort, parse_cohort
from tlog.storage.act_store import Act, ActState, ActStore
from tlog.storage.erasure_records import ErasureRecords
from tlog.storage.expiry_store import CohortRows, ExpiryStore, MovedRow
from tlog.storage.log_store import LogStore, StoredEntry
from tlog.storage.orphan_keys import OrphanKeys
from tlog.storage.scrub import scrub
from tlog.storage.tables import acts, entries, personal, terms, time_blocks

_PAGE: Final = 200
_KEYS: Final = 500
Report = Callable[[int, int], None]


class ExpiryHolds(Protocol):
    """What protects entries from expiry. Blocks."""

    def blocking_expiry(self, indices: Sequence[int]) -> set[int]:
        """Return those of the entries that a legal hold covers."""
        ...


@dataclass(frozen=True, slots=True)
class Extent:
    """How many entries of a cohort would go, and which are held."""

    entries: int
    held: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CohortEraser:
    """The steps. Blocks: call it off the event loop, one act at a time."""

    origin: str
    store: LogStore
    cohorts: ExpiryStore
    keyring: Keyring
    records: ErasureRecords
    random: Callable[[int], bytes]

    def extent(self, cohort: Cohort, holds: ExpiryHolds | None) -> Extent:
        """Count a cohort's entries, and find the held ones."""
        found, held = 0, set[int]()
        for indices in self._pages(cohort):
            found += len(indices)
            held |= set() if holds is None else holds.blocking_expiry(indices)
        return Extent(found - len(held), tuple(sorted(held)))

    def move(self, cohort: Cohort, held: Sequence[int]) -> None:
        """Seal held entries under the key of the next cohort. Raises what opening them raises."""
        if not held:
            return
        target = cohort.next().name
        key = self.keyring.need_cohort(target)
        for start in range(0, len(held), _PAGE):
            rows = self.store.entries_at(held[start : start + _PAGE]).values()
            here = [row for row in rows if row.columns["core"] is not None and row.columns["cohort"] != target]
            self.cohorts.move([self._moved(row, cohort, key) for row in here], target)

    def record(self, act: Act, cohort: Cohort, held: Sequence[int]) -> ErasureRecord:
        """Write and return the record of an act; durable on return."""
        record = ErasureRecord(
            version=1,
            origin=self.origin,
            act=str(UUID(bytes=act.act_id)),
            kind="expiry",
            at=act.requested_at,
            cohort=cohort.name,
            moved=held,
        )
        self.records.write(record)
        return record

    def destroy(self, cohort: Cohort) -> None:
        """Destroy the cohort's key, and let nothing be stored any more that was sealed under it before."""
        self.keyring.destroy_cohort(cohort.name)
        self.store.advance_epoch()

    def shrink(self, cohort: Cohort, act: Act, kept: Sequence[int], report: Report = lambda *_: None) -> int:
        """Shrink the cohort's rows, but those kept, and return how many those were."""
        rows, shrunk, spared = _rows(cohort), 0, frozenset(kept)
        blocks = self.cohorts.blocks(rows)
        for done, block in enumerate(blocks):
            shrunk += self.cohorts.shrink(rows, block, act.act, spared)
            report(done + 1, len(blocks))
        return shrunk

    def scrub(self) -> None:
        """Clean both databases' files. Raises `Unavailable` where that is not possible now."""
        self.keyring.scrub()
        scrub(self.store.database, large=(personal, entries, terms), small=(acts, time_blocks))

    def forget_persons(self) -> int:
        """Destroy the keys, and with them the keyed hashes, of persons of whom nothing is left. Returns how many."""
        orphans, forgotten, after = OrphanKeys(self.store), 0, -1
        while key_ids := self.keyring.person_key_ids(after, _KEYS):
            after = key_ids[-1]
            if unused := orphans.among(key_ids):
                forgotten += orphans.destroy(unused, self.keyring.destroy_persons)
        return forgotten

    def _pages(self, cohort: Cohort) -> Iterator[list[int]]:
        rows = _rows(cohort)
        for block in self.cohorts.blocks(rows):
            yield self.cohorts.indices(rows, block)

    def _moved(self, row: StoredEntry, cohort: Cohort, key: bytes) -> MovedRow:
        columns, parts = row.columns, row.personal
        old = self.keyring.cohort_keys([cohort.name]).get(cohort.name)
        persons = self.keyring.person_keys([part.key_id for part in parts if part.key_id is not None])
        actor, *subjects = (None if part.key_id is None else persons.get(part.key_id) for part in parts)
        first, *others = (part.ciphertext for part in parts)
        sealed = SealedParts(columns["entry_id"], row.leaf, columns["core"], first, tuple(others), columns["shared"])
        keys = OpenKeys(old, actor, tuple(subjects))
        moved = reseal(sealed, keys, msgspec.structs.replace(keys, cohort=key), self.random)
        ciphertexts = (moved.actor, *moved.subjects)
        numbered = [(part.part, data) for part, data in zip(parts, ciphertexts, strict=True)]
        return MovedRow(row.index, moved.core, moved.shared, numbered)


class Expiry:
    """The expiries of one log; an `Executor`. Belongs to one event loop."""

    def __init__(self, running: Acts, eraser: CohortEraser, holds: ExpiryHolds | None = None) -> None:
        self._acts = running
        self.eraser = eraser
        self.holds = holds

    async def run(self, act: Act) -> Act:
        """Bring an expiry that is begun or applied to its end. Raises what opening held entries and storage raise."""
        cohort, eraser, step = _cohort(act), self.eraser, self._acts.step
        if act.state is ActState.BEGUN:
            act = await self._apply(act, cohort)
        await asyncio.to_thread(eraser.forget_persons)
        step("forgotten")
        await asyncio.to_thread(eraser.scrub)
        step("scrubbed")
        return await self._acts.conclude(act, await asyncio.to_thread(self._details, act, cohort))

    def _details(self, act: Act, cohort: Cohort) -> dict[str, Any]:
        record = self.eraser.records.of(act.act_id)
        held = 0 if record is None else len(record.moved)
        details = {"cohort": cohort.name, "entries": act.entries, "held": held}
        if act.payload is None:
            details["replayed"] = True  # from its record, into a restored database that did not know the act
        return details

    async def _apply(self, act: Act, cohort: Cohort) -> Act:
        eraser, step = self.eraser, self._acts.step
        record = await asyncio.to_thread(eraser.records.of, act.act_id)
        if record is None:
            act, held = await self._decide(act, cohort)
            await asyncio.to_thread(eraser.move, cohort, held)
            step("moved")
            record = await asyncio.to_thread(eraser.record, act, cohort, held)
        step("recorded")
        await asyncio.to_thread(eraser.destroy, cohort)
        step("destroyed")
        await asyncio.to_thread(eraser.shrink, cohort, act, record.moved, self._reporter(act))
        step("shrunk")
        act = await asyncio.to_thread(lambda: self._acts.store.move(act, ActState.APPLIED, applied_at=self._acts.now()))
        step("applied")
        return act

    async def _decide(self, act: Act, cohort: Cohort) -> tuple[Act, tuple[int, ...]]:
        extent = await asyncio.to_thread(self.eraser.extent, cohort, self.holds)
        said = self._acts.payload(act)
        held = sorted({*extent.held, *said.get("held", ())})  # before a crash, some may have been moved already
        said |= {"held": held}
        values = {"entries": extent.entries, "payload": self._acts.sealed(act.act_id, said)}
        act = await asyncio.to_thread(lambda: self._acts.store.move(act, ActState.BEGUN, **values))
        self._acts.step("counted")
        return act, tuple(held)

    def _reporter(self, act: Act) -> Report:
        def report(done: int, total: int) -> None:
            self._acts.progress[act.act_id] = Progress("shrinking", done, total)

        return report


@dataclass(frozen=True, slots=True)
class ExpiryReplayer:
    """Replays expiries into restored databases (`replay.py`)."""

    eraser: CohortEraser
    store: ActStore
    now: Callable[[], int]

    def keys_left(self, records: Iterable[ErasureRecord]) -> set[str]:
        """Return the acts whose cohort has its key back, or could get a new one."""
        by_name = {_named(record).name: record.act for record in records}
        destroyed = self.eraser.keyring.destroyed_cohorts(list(by_name))
        return {act for name, act in by_name.items() if name not in destroyed}

    def replay(self, record: ErasureRecord, act: Act) -> None:
        """Save again what was held, destroy the key, shrink the rows, and bring the act to `applied`."""
        cohort, eraser = _named(record), self.eraser
        if eraser.keyring.cohort_keys([cohort.name]):
            eraser.move(cohort, self._still_in(cohort, record.moved))
        eraser.destroy(cohort)
        shrunk = eraser.shrink(cohort, act, record.moved)
        for earlier in cohort.earlier():  # what could not be moved for want of its key has come to the same end
            shrunk += eraser.shrink(earlier, act, record.moved)
        if act.state in {ActState.BEGUN, ActState.PENDING}:
            values: dict[str, Any] = {"applied_at": self.now(), "entries": act.entries or shrunk}
            self.store.move(act, ActState.APPLIED, **values)

    def scrub(self) -> None:
        """Forget persons that an older keyring brought back, and clean both databases."""
        self.eraser.forget_persons()
        self.eraser.scrub()

    def _still_in(self, cohort: Cohort, indices: Sequence[int]) -> list[int]:
        moved_to = cohort.name if cohort.moved else None
        found: list[int] = []
        for start in range(0, len(indices), _PAGE):
            rows = self.eraser.store.entries_at(indices[start : start + _PAGE])
            found += [index for index, row in rows.items() if row.columns["cohort"] == moved_to]
        return found


def _cohort(act: Act) -> Cohort:
    try:
        return parse_cohort(act.cohort or "")
    except ValueError:
        raise StorageFault(f"act {act.act} names no cohort that could expire") from None


def _named(record: ErasureRecord) -> Cohort:
    if record.cohort is UNSET:
        raise StorageFault(f"the erasure record of act {record.act} names no cohort")
    try:
        return parse_cohort(record.cohort)
    except ValueError:
        raise StorageFault(f"the erasure record of act {record.act} names no cohort") from None


def _rows(cohort: Cohort) -> CohortRows:
    return CohortRows(cohort.retention, cohort.start, cohort.end, cohort.name if cohort.moved else None)

"""One erasure from `begun` to its key's end: when it may still be refused, and what is kept from it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal, Protocol

from tlog.errors import Damaged, Held, StorageFault
from tlog.service.acts import Acts, Payload, Progress
from tlog.service.person_eraser import PersonEraser, Prepared
from tlog.storage.act_store import Act, ActState
from tlog.storage.erasure_store import Extent

_KEPT: Final = ("by", "authorised_by", "legal_basis", "reason", "approved_by")


class Holds(Protocol):
    """What protects entries from erasure. All block."""

    def on_subject(self, key_id: int) -> Sequence[int]:
        """Return the numbers of the holds on this person."""
        ...

    def held(self, indices: Sequence[int]) -> Mapping[int, Sequence[int]]:
        """Return the numbers of the holds on these entries, by index; entries that none protects are left out."""
        ...

    def names(self, key_id: int) -> bool:
        """Tell whether a hold is on this person, be it within a narrower scope."""
        ...

    def rekey(self, old: int, new: int) -> None:
        """Let the holds on a person be on their new key."""
        ...

    def count(self) -> int:
        """Return how many holds there are."""
        ...


@dataclass(slots=True)
class ErasureRun:
    """Runs erasures. Belongs to one event loop; the caller holds the lock of the acts."""

    acts: Acts
    eraser: PersonEraser
    holds: Holds | None

    def held(self, key_id: int) -> list[int]:
        """Return the holds that keep a person from being erased. Blocks."""
        if self.holds is None:
            return []
        indices = sorted({place.at for place in self.eraser.erasures.places(key_id)})
        found = {number for numbers in self.holds.held(indices).values() for number in numbers}
        return sorted(found | set(self.holds.on_subject(key_id)))

    async def erase(self, act: Act) -> Act:
        """From `begun` to `applied`. Until the key is withdrawn, nothing has changed, and it may be refused."""
        key_id, said, eraser, step = act.key_id or 0, self.acts.payload(act), self.eraser, self.acts.step
        prepared = Prepared()
        if not await asyncio.to_thread(eraser.keyring.is_withdrawn, key_id):
            await self._require_free(act, said, prepared)
        step("prepared")
        await asyncio.to_thread(eraser.withdraw, key_id)
        step("withdrawn")
        await asyncio.to_thread(eraser.fence)
        step("fenced")
        kept = await asyncio.to_thread(self._keep_held, act, said)
        step("kept")
        extent = await asyncio.to_thread(eraser.erasures.extent, key_id)
        await self._prepare(act, prepared)  # what was stored while the first ones were prepared
        self._tell(act, "writing", 0, prepared.entries)
        record = await asyncio.to_thread(eraser.record, act, said.get("role", "subject"), prepared.erased, kept)
        step("recorded")
        holds_checked = 0 if self.holds is None else await asyncio.to_thread(self.holds.count)
        counts = {"holds_checked": holds_checked, "entries_kept": len(kept)}
        values = {
            "entries": prepared.entries,
            "parts": len(prepared.erased),
            "applied_at": self.acts.now(),
            "payload": self.acts.sealed(act.act_id, _kept(said, extent, prepared) | counts),
        }
        act = await asyncio.to_thread(lambda: eraser.apply(record, act, **values))
        step("applied")
        return act

    async def _require_free(self, act: Act, said: Payload, prepared: Prepared) -> None:
        """Prepare what there is. Refuses the act, and raises `Held` or `Damaged`, where that is not to be erased."""
        if held := await asyncio.to_thread(self.held, act.key_id or 0):
            raise await self._refuse_begun(act, {"held_by": held}, held_by(held))
        await self._prepare(act, prepared)
        if prepared.damaged and not said.get("even_damaged"):
            raise await self._refuse_begun(act, {"entries_damaged": len(prepared.damaged)}, _damaged(prepared.damaged))

    def _keep_held(self, act: Act, said: Payload) -> list[int]:
        """Move what is held, though nothing was when the erasure was decided, and the holds that name the person, to
        another key of theirs. Returns the indices of the entries that it moved. Blocks."""
        old, record = act.key_id or 0, self.eraser.records.of(act.act_id)
        if record is not None or self.holds is None:  # what is recorded is decided: it goes wherever it is restored
            return [] if record is None else list(record.moved)
        indices = sorted({place.at for place in self.eraser.erasures.places(old)})
        held = sorted(self.holds.held(indices))
        if not held and not self.holds.names(old):
            return []
        identity = self.eraser.identity(old, said.get("identity", ""))
        if identity is None:
            raise StorageFault(
                "entries are held, and what the erasure says does not open: whom it is about is not known"
            )
        new = self.eraser.keyring.need_person(said["role"], identity)
        self.eraser.keep(held, old, new)
        self.holds.rekey(old, new)
        return held

    async def _prepare(self, act: Act, prepared: Prepared) -> Prepared:
        def report(done: int, total: int) -> None:
            self._tell(act, "preparing", done, total)

        await asyncio.to_thread(self.eraser.prepare, act.key_id or 0, prepared, report)
        return prepared

    async def destroy(self, act: Act) -> None:
        """From `applied` to nothing left: the key, and what is left of key and parts in the databases' files."""
        self._tell(act, "cleaning", 0, 0)
        await asyncio.to_thread(self.eraser.destroy, act.key_id or 0)
        self.acts.step("destroyed")
        await asyncio.to_thread(self.eraser.scrub)
        self.acts.step("scrubbed")

    async def _refuse_begun(self, act: Act, details: Payload, error: Held | Damaged) -> Held | Damaged:
        outcome: Literal["denied", "failed"] = "denied" if isinstance(error, Held) else "failed"
        refused = await self.acts.conclude(act, details, outcome, ActState.REFUSED)
        error.args = (f"{error}; entry {refused.entry_index} of the log says so",)
        return error

    def _tell(self, act: Act, phase: str, done: int, total: int) -> None:
        self.acts.progress[act.act_id] = Progress(phase, done, total)


def held_by(held: Sequence[int], index: int | None = None) -> Held:
    """Return the refusal for the sake of these holds."""
    where = "" if index is None else f"; entry {index} of the log says so"
    return Held(f"held by {', '.join(f'hold {number}' for number in held)}: nothing was erased{where}")


def _damaged(indices: Sequence[int]) -> Damaged:
    return Damaged(
        f"entry {indices[0]} does not open ({len(indices)} such), so its digests can't be kept; run 'tlog fsck'. "
        'Nothing was erased; "even_damaged" erases all the same'
    )


def _kept(said: Payload, extent: Extent, prepared: Prepared) -> Payload:
    """Return what an act still says once the person's parts are gone: whom it was about is not in it any more."""
    kept = {name: said[name] for name in (*_KEPT, "role") if said.get(name) is not None}
    counted = asdict(extent) | {"entries": prepared.entries, "parts": len(prepared.erased)}
    return kept | {"extent": counted, "entries_damaged": len(set(prepared.damaged))}

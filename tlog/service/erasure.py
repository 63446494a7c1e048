"""Erasure of one person, in the role of a data subject or of an actor, as an act (`acts.py`).

What a caller is told (`Erasure.status`):

    nothing-to-erase    the log holds nothing under this person's key; nothing was done, and nothing was logged
    dry-run             what would be erased; nothing was done
    pending             waits for a second person
    running             is under way
    done                everything is destroyed, and entry `index` of the log says so
    declined, refused   nothing was destroyed

A person is known by name only until their key is withdrawn; what they are erased for stays with the act, encrypted,
until their parts are replaced. So a second request finds the first one while it is under way, and nothing after it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, Protocol, TypeVar

from tlog.audit.fields import instant
from tlog.errors import BadRequest, Damaged, Held
from tlog.service.acts import Acts, Payload, Progress, new_act_id
from tlog.service.person_eraser import PersonEraser, Prepared, Role
from tlog.storage.act_store import OPEN, Act, ActKind, ActState
from tlog.storage.erasure_store import Extent
from tlog.storage.token_store import Token

Status = Literal["nothing-to-erase", "dry-run", "pending", "running", "done", "declined", "refused"]
T = TypeVar("T")
_STATUS: Final[dict[ActState, Status]] = {
    ActState.PENDING: "pending",
    ActState.BEGUN: "running",
    ActState.APPLIED: "running",
    ActState.DONE: "done",
    ActState.DECLINED: "declined",
    ActState.REFUSED: "refused",
}
_SHORT: Final = 4  # Characters: a shorter id is looked for as a word only, else "a" could never be erased.
_KEPT: Final = ("by", "authorised_by", "legal_basis", "reason", "approved_by")


class Holds(Protocol):
    """What protects entries from erasure. Both block and return numbers of holds."""

    def on_subject(self, key_id: int) -> Sequence[int]:
        """Return the holds on this person."""
        ...

    def held(self, indices: Sequence[int]) -> Mapping[int, Sequence[int]]:
        """Return the holds on these entries, by index; entries that none protects are left out."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody by name. `identity` is what the keyring hashes: a subject's id, or an actor's type, U+0000 and id."""

    role: Role
    identity: str

    @property
    def id(self) -> str:
        """What the person is called."""
        return self.identity.rpartition("\0")[2]


@dataclass(frozen=True, slots=True, repr=False)
class ErasureRequest:
    """Whom to erase, and on whose authority. `even_damaged`: entries that do not open are no obstacle."""

    person: Person
    legal_basis: str
    authorised_by: str
    reason: str | None = None
    even_damaged: bool = False

    def check(self) -> None:
        """Raise `BadRequest` where a text that stays in the log names the person."""
        for name in ("legal_basis", "authorised_by", "reason"):
            if names_person(getattr(self, name) or "", self.person.id):
                raise BadRequest(f"{name}: it contains the person's id, and would bring back what is erased")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did, will do or would do. `index` is that of its own entry; `held` are numbers of holds."""

    status: Status
    act: bytes | None = None
    index: int | None = None
    extent: Extent = field(default_factory=Extent)
    held: Sequence[int] = ()


class Erasures:
    """The erasures of one log; an `Executor`. Belongs to one event loop."""

    def __init__(self, acts: Acts, eraser: PersonEraser, holds: Holds | None = None, *, second_person: bool) -> None:
        """`second_person`: somebody else must approve each erasure."""
        self._acts = acts
        self._eraser = eraser
        self.holds = holds
        self._second_person = second_person

    async def plan(self, person: Person) -> Erasure:
        """Return what an erasure would do, and what prevents it."""
        key_id = await asyncio.to_thread(self._eraser.keyring.find_person, person.role, person.identity)
        if key_id is None:
            return Erasure("nothing-to-erase")
        extent = await asyncio.to_thread(self._eraser.erasures.extent, key_id)
        return Erasure("dry-run", extent=extent, held=await asyncio.to_thread(self._held, key_id))

    async def request(self, asked: ErasureRequest, token: Token, *, wait: bool = True) -> Erasure:
        """Erase a person, or find the act under way that does. Goes on though the caller goes away.

        With `wait`, returns when it is done; else when it has begun. Raises `BadRequest`, `Held` and `Damaged`, both
        of which are logged, `LogHalted`, and what storage raises.
        """
        asked.check()
        self._acts.require_open()
        same = await self._under_way(asked.person)
        if same is not None and (same.state is ActState.PENDING or self._acts.lock.locked()):
            return self.describe(same)
        begun: asyncio.Future[Act] = asyncio.get_running_loop().create_future()
        task = self._acts.spawn(self._perform(asked, token, begun))
        if not wait:
            waiting: set[asyncio.Future[Any]] = {task, begun}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if begun.done() and not task.done():
                return self.describe(begun.result())
        return await asyncio.shield(task)

    async def run(self, act: Act) -> Act:
        """Bring an erasure that is begun or applied to its end. Raises `Held`, `Damaged`, and what storage raises."""
        if act.state is ActState.BEGUN:
            act = await self._erase(act)
        await self._destroy(act)
        return await self._conclude(act)

    def describe(self, act: Act) -> Erasure:
        """Return what is known of an act."""
        extent = Extent(act.entries or 0, act.parts or 0)
        said = self._acts.payload(act).get("extent")
        if said is not None:
            extent = Extent(**said)
        return Erasure(_STATUS[act.state], act.act_id, act.entry_index, extent)

    async def _perform(self, asked: ErasureRequest, token: Token, begun: asyncio.Future[Act]) -> Erasure:
        async with self._acts.lock:
            self._acts.require_open()
            await self._acts.finish_others()
            if (same := await self._under_way(asked.person)) is not None:
                return self.describe(same)
            planned = await self.plan(asked.person)
            if planned.status == "nothing-to-erase":
                return planned
            if planned.held:
                raise await self._refuse_held(new_act_id(), _payload(asked, token), planned.held)
            act = await self._start(asked, token)
            begun.set_result(act)
            if act.state is ActState.PENDING:
                return Erasure("pending", act.act_id, extent=planned.extent)
            done = self.describe(await self._acts.run(act))
        # Nothing but the counts is left of what it said.
        extent = replace(planned.extent, entries=done.extent.entries, parts=done.extent.parts)
        return replace(done, extent=extent)

    async def _start(self, asked: ErasureRequest, token: Token) -> Act:
        key_id = await asyncio.to_thread(self._eraser.keyring.find_person, asked.person.role, asked.person.identity)
        start = self._acts.propose if self._second_person else self._acts.begin
        act = await start(ActKind.ERASURE, _payload(asked, token), token, key_id=key_id)
        self._acts.step("begun")
        return act

    async def _under_way(self, person: Person) -> Act | None:
        open_acts = await asyncio.to_thread(self._acts.store.in_states, OPEN, ActKind.ERASURE)
        for act in open_acts:
            said = self._acts.payload(act)
            if (said.get("role"), said.get("identity")) == (person.role, person.identity):
                return act
        return None

    def _held(self, key_id: int) -> list[int]:
        holds = self.holds
        if holds is None:
            return []
        indices = sorted({place.at for place in self._eraser.erasures.places(key_id)})
        found = {number for numbers in holds.held(indices).values() for number in numbers}
        return sorted(found | set(holds.on_subject(key_id)))

    async def _refuse_held(self, act_id: bytes, payload: Payload, held: Sequence[int]) -> Held:
        index = await self._acts.log(act_id, ActKind.ERASURE, payload, {"held_by": list(held)}, "denied")
        return held_by(held, index)

    async def _erase(self, act: Act) -> Act:
        """From `begun` to `applied`. Until the key is withdrawn, nothing has changed."""
        key_id, said, eraser, step = act.key_id or 0, self._acts.payload(act), self._eraser, self._acts.step
        if held := await asyncio.to_thread(self._held, key_id):
            raise await self._refuse_begun(act, {"held_by": held}, held_by(held))
        extent = await asyncio.to_thread(eraser.erasures.extent, key_id)
        prepared = await self._prepare(act, Prepared())
        if prepared.damaged and not said.get("even_damaged"):
            raise await self._refuse_begun(act, {"entries_damaged": len(prepared.damaged)}, _damaged(prepared.damaged))
        step("prepared")
        await asyncio.to_thread(eraser.withdraw, key_id)
        step("withdrawn")
        await asyncio.to_thread(eraser.fence)
        step("fenced")
        await self._prepare(act, prepared)  # what was stored while the first ones were prepared
        self._tell(act, "writing", 0, prepared.entries)
        record = await asyncio.to_thread(eraser.record, act, said.get("role", "subject"), prepared.erased)
        step("recorded")
        values = {
            "entries": prepared.entries,
            "parts": len(prepared.erased),
            "applied_at": self._acts.now(),
            "payload": self._acts.sealed(act.act_id, _kept(said, extent, prepared)),
        }
        act = await asyncio.to_thread(lambda: eraser.apply(record, act, **values))
        step("applied")
        return act

    async def _prepare(self, act: Act, prepared: Prepared) -> Prepared:
        def report(done: int, total: int) -> None:
            self._tell(act, "preparing", done, total)

        await asyncio.to_thread(self._eraser.prepare, act.key_id or 0, prepared, report)
        return prepared

    async def _destroy(self, act: Act) -> None:
        self._tell(act, "cleaning", 0, 0)
        await asyncio.to_thread(self._eraser.destroy, act.key_id or 0)
        self._acts.step("destroyed")
        await asyncio.to_thread(self._eraser.scrub)
        self._acts.step("scrubbed")

    async def _conclude(self, act: Act) -> Act:
        said = self._acts.payload(act)
        details: dict[str, Any] = {"entries": act.entries, "parts": act.parts}
        if not said:
            details["replayed"] = True  # from its record, into a restored database that did not know the act
        if (extent := said.get("extent")) is not None:
            details["other_subjects_affected"] = extent["other_subjects_affected"]
            for name in ("first_received_at", "last_received_at"):
                if extent[name] is not None:
                    details[name] = instant(extent[name])
        details |= {name: said[name] for name in ("role", "entries_damaged") if said.get(name)}
        return await self._acts.conclude(act, details)

    async def _refuse_begun(self, act: Act, details: Payload, error: Held | Damaged) -> Held | Damaged:
        outcome: Literal["denied", "failed"] = "denied" if isinstance(error, Held) else "failed"
        refused = await self._acts.conclude(act, details, outcome, ActState.REFUSED)
        error.args = (f"{error}; entry {refused.entry_index} of the log says so",)
        return error

    def _tell(self, act: Act, phase: str, done: int, total: int) -> None:
        self._acts.progress[act.act_id] = Progress(phase, done, total)


def held_by(held: Sequence[int], index: int | None = None) -> Held:
    """Return the refusal for the sake of these holds."""
    where = "" if index is None else f"; entry {index} of the log says so"
    return Held(f"held by {', '.join(f'hold {number}' for number in held)}: nothing was erased{where}")


def _damaged(indices: Sequence[int]) -> Damaged:
    return Damaged(
        f"entry {indices[0]} does not open ({len(indices)} such), so its digests can't be kept; run 'tlog fsck'. "
        'Nothing was erased; "even_damaged" erases all the same'
    )


def _payload(asked: ErasureRequest, token: Token) -> Payload:
    return {
        "by": token.name,
        "authorised_by": asked.authorised_by,
        "legal_basis": asked.legal_basis,
        "reason": asked.reason,
        "role": asked.person.role,
        "identity": asked.person.identity,
        "even_damaged": asked.even_damaged,
    }


def _kept(said: Payload, extent: Extent, prepared: Prepared) -> Payload:
    """Return what an act still says once the person's parts are gone: whom it was about is not in it any more."""
    kept = {name: said[name] for name in (*_KEPT, "role") if said.get(name) is not None}
    counted = asdict(extent) | {"entries": prepared.entries, "parts": len(prepared.erased)}
    return kept | {"extent": counted, "entries_damaged": len(set(prepared.damaged))}


def names_person(text: str, identity: str) -> bool:
    """Tell whether a text contains a person's id; a short id only as a word of its own."""
    text, identity = text.casefold(), identity.casefold()
    if len(identity) >= _SHORT:
        return identity in text
    return re.search(rf"(?<!\w){re.escape(identity)}(?!\w)", text) is not None

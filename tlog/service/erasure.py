"""Erasure of one person, in the role of a data subject or of an actor, as an act (`acts.py`).

What a caller is told (`Erasure.status`):

    nothing-to-erase    the log holds nothing under this person's key; nothing was done, and no act logged
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
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeVar

from tlog.audit.fields import instant
from tlog.errors import Held, Unavailable
from tlog.service.acts import Acts, Payload, new_act_id
from tlog.service.erasure_request import ErasureRequest, Person, payload_of
from tlog.service.erasure_run import ErasureRun, Holds, held_by
from tlog.service.person_eraser import PersonEraser
from tlog.service.principal import Principal
from tlog.storage.act_store import OPEN, Act, ActKind, ActState
from tlog.storage.erasure_store import Extent

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
_PLANNED: Final = frozenset({ActState.PENDING, ActState.BEGUN})


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure did, will do or would do. `index` is that of its own entry; `held` are numbers of holds.
    `asked_before`: the act is one that somebody asked for before, and its entry does not say who asked now."""

    status: Status
    act: bytes | None = None
    index: int | None = None
    extent: Extent = field(default_factory=Extent)
    held: Sequence[int] = ()
    asked_before: bool = False


class Erasures:
    """The erasures of one log; an `Executor`. Belongs to one event loop."""

    def __init__(self, acts: Acts, eraser: PersonEraser, holds: Holds | None = None, *, second_person: bool) -> None:
        """`second_person`: somebody else must approve each erasure."""
        self._acts = acts
        self._eraser = eraser
        self.steps = ErasureRun(acts, eraser, holds)
        self._second_person = second_person

    async def plan(self, person: Person) -> Erasure:
        """Return what an erasure would do, and what prevents it."""
        key_id = await asyncio.to_thread(self._eraser.keyring.find_person, person.role, person.identity)
        if key_id is None:
            return Erasure("nothing-to-erase")
        extent = await asyncio.to_thread(self._eraser.erasures.extent, key_id)
        return Erasure("dry-run", extent=extent, held=await asyncio.to_thread(self.steps.held, key_id))

    async def request(self, asked: ErasureRequest, principal: Principal, *, wait: bool = True) -> Erasure:
        """Erase a person, or find the act under way that does. Goes on though the caller goes away.

        With `wait`, returns when it is done; else when it has begun. Raises `BadRequest`, `Held` and `Damaged`, both
        of which are logged, `LogHalted`, and what storage raises.
        """
        asked.check()
        self._acts.require_open()
        same = await self._under_way(asked.person)
        if same is not None and (same.state is ActState.PENDING or self._acts.lock.locked()):
            return replace(self.describe(same), asked_before=True)
        begun: asyncio.Future[Act] = asyncio.get_running_loop().create_future()
        task = self._acts.spawn(self._perform(asked, principal, begun))
        if not wait:
            waiting: set[asyncio.Future[Any]] = {task, begun}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if begun.done() and not task.done():
                return self.describe(begun.result())
        return await asyncio.shield(task)

    async def run(self, act: Act) -> Act:
        """Bring an erasure that is begun or applied to its end. Raises `Held`, `Damaged`, and what storage raises."""
        if act.state is ActState.BEGUN:
            act = await self.steps.erase(act)
        await self.steps.destroy(act)
        return await self._conclude(act)

    def describe(self, act: Act) -> Erasure:
        """Return what is known of an act; of one that is not carried out yet, how many entries it was asked for."""
        said = self._acts.payload(act)
        planned = said.get("planned", 0) if act.state in _PLANNED else 0
        extent = Extent(act.entries or planned, act.parts or 0)
        if said.get("extent") is not None:
            extent = Extent(**said["extent"])
        return Erasure(_STATUS[act.state], act.act_id, act.entry_index, extent)

    async def _perform(self, asked: ErasureRequest, principal: Principal, begun: asyncio.Future[Act]) -> Erasure:
        async with self._acts.lock:
            self._acts.require_open()
            left = await self._acts.finish_others()
            if (same := await self._under_way(asked.person)) is not None:
                if same.act_id in left:
                    raise Unavailable(f"this person's erasure was begun and can't be finished now: {left[same.act_id]}")
                return replace(self.describe(same), asked_before=True)
            planned = await self.plan(asked.person)
            if planned.status == "nothing-to-erase":
                return planned
            if planned.held:
                raise await self._refuse_held(new_act_id(), payload_of(asked, principal), planned.held)
            act = await self._start(asked, principal, planned.extent.entries)
            begun.set_result(act)
            if act.state is ActState.PENDING:
                return Erasure("pending", act.act_id, extent=planned.extent)
            done = self.describe(await self._acts.run(act))
        # Nothing but the counts is left of what it said.
        extent = replace(planned.extent, entries=done.extent.entries, parts=done.extent.parts)
        return replace(done, extent=extent)

    async def _start(self, asked: ErasureRequest, principal: Principal, planned: int) -> Act:
        key_id = await asyncio.to_thread(self._eraser.keyring.find_person, asked.person.role, asked.person.identity)
        if key_id is None:
            raise Unavailable("this person's key went while it was looked at; ask again")
        sealed = await asyncio.to_thread(self._eraser.sealed_identity, key_id, asked.person.identity)
        start = self._acts.propose if self._second_person else self._acts.begin
        payload = payload_of(asked, principal) | {"identity": sealed, "planned": planned}
        act = await start(ActKind.ERASURE, payload, principal, key_id=key_id)
        self._acts.step("begun")
        return act

    async def _under_way(self, person: Person) -> Act | None:
        open_acts = await asyncio.to_thread(self._acts.store.in_states, OPEN, ActKind.ERASURE)
        for act in open_acts:
            said = self._acts.payload(act)
            if said.get("role") == person.role and await self._is_about(act, said, person):
                return act
        return None

    async def _is_about(self, act: Act, said: Payload, person: Person) -> bool:
        sealed = said.get("identity")
        if sealed is None:
            return False
        return await asyncio.to_thread(self._eraser.identity, act.key_id or 0, sealed) == person.identity

    async def _refuse_held(self, act_id: bytes, payload: Payload, held: Sequence[int]) -> Held:
        index = await self._acts.log(act_id, ActKind.ERASURE, payload, {"held_by": list(held)}, "denied")
        return held_by(held, index)

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
        details |= {name: said[name] for name in ("role", "entries_damaged", "entries_kept") if said.get(name)}
        if "holds_checked" in said:
            details["holds_checked"] = said["holds_checked"]
        return await self._acts.conclude(act, details)

"""Placing and lifting holds, as acts (`acts.py`).

A hold is placed while no other act runs, so nothing that it covers is half gone. Its id is that of the act that placed
it. Lifting may need a second person; placing never waits: it only protects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tlog.audit.fields import instant
from tlog.audit.naming import names_person
from tlog.errors import BadRequest, Conflict, NotFound, Unavailable
from tlog.keys.keyring import Keyring
from tlog.service.acts import Acts, Payload, asked_by
from tlog.service.holds import CASE_TYPE, Holds
from tlog.service.principal import Principal
from tlog.storage.act_store import OPEN, Act, ActKind, ActState
from tlog.storage.hold_store import Hold, HoldKind


@dataclass(frozen=True, slots=True, repr=False)
class HoldRequest:
    """A hold to place. Times in microseconds; `ground` (a to e) belongs to Art. 17(3)."""

    kind: HoldKind
    case: str
    reason: str
    authorised_by: str
    ground: str | None = None
    subject: str | None = None
    source: str | None = None
    occurred_from: int | None = None
    occurred_to: int | None = None
    by_case: bool = False

    def check(self) -> None:
        """Raise `BadRequest` for what is no hold, or names the person in a text that stays."""
        window = (self.occurred_from, self.occurred_to)
        if self.subject is None and self.source is None and not self.by_case and window == (None, None):
            raise BadRequest("a hold needs a scope: subject, source, occurred_from, occurred_to or by_case")
        if (self.kind is HoldKind.ART_17_3) != (self.ground is not None):
            raise BadRequest("ground: a to e of Art. 17(3), with kind art-17-3 and only with it")
        if None not in window and window[0] >= window[1]:  # type: ignore[operator]
            raise BadRequest("occurred_to: it must be after occurred_from")
        for name in ("case", "reason", "authorised_by") if self.subject is not None else ():
            if names_person(getattr(self, name), self.subject or ""):
                raise BadRequest(f"{name}: it contains the person's id, and would outlive what is erased")


class HoldActs:
    """The holds of one log as acts; an `Executor` for both kinds. Belongs to one event loop."""

    def __init__(self, running: Acts, holds: Holds, keyring: Keyring, *, second_person: bool) -> None:
        self._acts = running
        self.holds = holds
        self._keyring = keyring
        self._second_person = second_person
        for kind in (ActKind.HOLD, ActKind.LIFT):
            running.register(kind, self)

    async def place(self, asked: HoldRequest, principal: Principal) -> Hold:
        """Place a hold; in force on return, and logged.

        Raises `BadRequest`, `LogHalted`, `Unavailable` while an act that was begun before can't be finished, and what
        storage raises.
        """
        asked.check()
        async with self._acts.lock:
            await self._finish_decided()
            key_id = None
            if asked.subject is not None:
                key_id = await asyncio.to_thread(self._keyring.need_person, "subject", asked.subject)
            act = await self._acts.begin(ActKind.HOLD, _payload(asked, principal), principal, key_id=key_id)
            act = await self._acts.run(act)
        return await asyncio.to_thread(self.holds.store.get, act.hold or 0)

    async def _finish_decided(self) -> None:
        """Finish what was decided before and may destroy what a hold covers: nothing may be called held by then.

        What is applied already destroys no more entries, so nobody waits for its cleaning up. Raises `Unavailable`.
        """
        if not await asyncio.to_thread(self._acts.store.in_states, [ActState.BEGUN]):
            return
        left = await self._acts.finish_others()
        begun = {act.act_id for act in await asyncio.to_thread(self._acts.store.in_states, [ActState.BEGUN])}
        if why := [error for act_id, error in left.items() if act_id in begun]:
            raise Unavailable(f"an act that was begun before can't be finished now: {why[0]}; ask again")

    async def lift(self, numbers: Sequence[int], principal: Principal, reason: str, authorised_by: str) -> list[Act]:
        """Lift holds; the acts are pending where a second person must agree. Raises `NotFound`, `Conflict`."""
        payload = {**asked_by(principal), "reason": reason, "authorised_by": authorised_by}
        acts = []
        for number in numbers:
            async with self._acts.lock:
                acts.append(await self._lift(number, payload, principal))
        return acts

    def of_case(self, case: str) -> list[int]:
        """Return the numbers of the holds of a case that are in force. Blocks. Raises `NotFound` for none."""
        found = self.holds.store.of_case(self._keyring.target_term(CASE_TYPE, case))
        if not found:
            raise NotFound("no hold in force has this case number")
        return [hold.hold for hold in found]

    async def run(self, act: Act) -> Act:
        """Bring an act that is begun or applied to its end."""
        if act.kind is ActKind.HOLD:
            return await self._place(act)
        if act.state is ActState.BEGUN:
            hold = await asyncio.to_thread(self.holds.store.get, act.hold or 0)
            if hold.lifted_at is None:
                payload = self._lifted(hold, self._acts.payload(act))
                await asyncio.to_thread(self.holds.store.lift, hold.hold, self._acts.now(), payload)
            act = await self._applied(act)
        return await self._acts.conclude(act, {"hold": act.hold}, action="tlog.hold.lift")

    def _lifted(self, hold: Hold, said: Payload) -> bytes:
        """Return what a hold says once it is lifted: also why and by whom; encrypted."""
        why = {"by": said.get("by"), "reason": said.get("reason"), "authorised_by": said.get("authorised_by")}
        return self._keyring.seal_payload(msgspec.json.encode(self.holds.said(hold) | {"lifted": why}), hold.hold_id)

    async def _place(self, act: Act) -> Act:
        said = self._acts.payload(act)
        if act.state is ActState.BEGUN:
            hold = await asyncio.to_thread(self.holds.store.place, act.act_id, self._row(act, said))
            act = await self._applied(act, hold=hold.hold)
        details = {"hold": act.hold, "kind": said.get("kind"), "scope": said.get("scope"), "ground": said.get("ground")}
        return await self._acts.conclude(act, details, action="tlog.hold.place")

    async def _applied(self, act: Act, **values: Any) -> Act:
        changes = {"applied_at": self._acts.now(), **values}
        return await asyncio.to_thread(lambda: self._acts.store.move(act, ActState.APPLIED, **changes))

    async def _lift(self, number: int, payload: Payload, principal: Principal) -> Act:
        hold = await asyncio.to_thread(self.holds.store.get, number)
        if hold.lifted_at is not None:
            raise Conflict(f"hold {number} is lifted already")
        waiting = await asyncio.to_thread(self._acts.store.in_states, OPEN, ActKind.LIFT)
        for act in waiting:
            if act.hold == number:
                return act
        if self._second_person:
            return await self._acts.propose(ActKind.LIFT, payload, principal, hold=number)
        return await self._acts.run(await self._acts.begin(ActKind.LIFT, payload, principal, hold=number))

    def _row(self, act: Act, said: Payload) -> dict[str, Any]:
        kept = {name: said.get(name) for name in ("case", "reason", "ground", "by", "authorised_by")}
        kept["on_subject"] = act.key_id is not None
        return {
            "kind": said["kind"],
            "case_term": self._keyring.target_term(CASE_TYPE, said["case"]),
            "key_id": act.key_id,
            "source": said.get("source"),
            "occurred_from": said.get("occurred_from"),
            "occurred_to": said.get("occurred_to"),
            "by_case": int(bool(said.get("by_case"))),
            "payload": self._keyring.seal_payload(msgspec.json.encode(kept), act.act_id),
            "placed_at": self._acts.now(),
        }


def _payload(asked: HoldRequest, principal: Principal) -> Payload:
    scope = {"subject": asked.subject is not None, "source": asked.source, "by_case": asked.by_case}
    scope |= {
        name: instant(value) for name in ("occurred_from", "occurred_to") if (value := getattr(asked, name)) is not None
    }
    return {
        **asked_by(principal),
        "authorised_by": asked.authorised_by,
        "kind": asked.kind.value,
        "case": asked.case,
        "reason": asked.reason,
        "ground": asked.ground,
        "source": asked.source,
        "occurred_from": asked.occurred_from,
        "occurred_to": asked.occurred_to,
        "by_case": asked.by_case,
        "scope": scope,
    }

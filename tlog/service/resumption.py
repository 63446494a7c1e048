"""Paused expiry, and the act that ends the pause.

A database from before a legal hold was placed does not know it, and its entries may be due: they would be gone within
a second of the start. So after a restore nothing expires by itself until a data protection officer, who has placed
again what holds there were, has due cohorts expire (`Retention.request`). A second person approves that where one is
set; the act names the pause that it ends, so that one which a restored database brings back ends no other.
"""

from __future__ import annotations

import asyncio

from tlog.service.acts import Acts, asked_by
from tlog.service.principal import Principal
from tlog.storage.act_store import OPEN, Act, ActKind, ActState
from tlog.storage.expiry_pause import ExpiryPause, Pause


class Resumption:
    """Ends the pause of one log; an `Executor`. Belongs to one event loop."""

    def __init__(self, running: Acts, pause: ExpiryPause, *, second_person: bool) -> None:
        self._acts = running
        self.pause = pause
        self._second_person = second_person
        running.register(ActKind.RESUME, self)

    async def request(self, paused: Pause, principal: Principal, authorised_by: str) -> list[Act]:
        """End this pause; pending where a second person must agree. Returns no act where one waits already."""
        async with self._acts.lock:
            if await asyncio.to_thread(self._is_asked, paused):
                return []
            payload = {**asked_by(principal), "authorised_by": authorised_by, "since": paused.since}
            if self._second_person:
                return [await self._acts.propose(ActKind.RESUME, payload, principal)]
            return [await self._acts.run(await self._acts.begin(ActKind.RESUME, payload, principal))]

    async def run(self, act: Act) -> Act:
        """Bring an act that is begun or applied to its end. A crash in between: lifting again changes nothing."""
        since = self._acts.payload(act).get("since")
        if act.state is ActState.BEGUN:
            if since is not None:
                await asyncio.to_thread(self.pause.lift, since)
            self._acts.step("lifted")
            values = {"applied_at": self._acts.now()}
            act = await asyncio.to_thread(lambda: self._acts.store.move(act, ActState.APPLIED, **values))
        return await self._acts.conclude(act, {"paused_since": since})

    def _is_asked(self, paused: Pause) -> bool:
        waiting = self._acts.store.in_states(OPEN, ActKind.RESUME)
        return any(self._acts.payload(act).get("since") == paused.since for act in waiting)

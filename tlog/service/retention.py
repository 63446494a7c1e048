"""Retention: which cohorts there are, when they expire, and their expiry once their time is over.

Expiry is automatic (`scheduler.py`), unless it is paused (`resumption.py`); a manual run begins the same acts, after a
second person approved each where that is set, and ends the pause.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from tlog.errors import TlogError, Unavailable
from tlog.keys.keyring import Keyring
from tlog.service.acts import Acts, asked_by
from tlog.service.expiry import Expiry
from tlog.service.own_entries import SERVICE
from tlog.service.principal import Principal
from tlog.service.resumption import Resumption
from tlog.service.retention_rules import Cohort, RetentionClass, RetentionClasses, due, parse_cohort
from tlog.storage.act_store import OPEN, UNFINISHED, Act, ActKind, ActState
from tlog.storage.cohort_sizes import stored_sizes
from tlog.storage.expiry_pause import Pause

_CHECK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Planned:
    """What will happen to a cohort. `expires_at` is None, and nothing happens, where its class has no period; what is
    held is not counted then."""

    cohort: Cohort
    kept: RetentionClass | None
    expires_at: int | None
    entries: int
    held: int | None
    is_due: bool


class Retention:
    """The retention of one log. Belongs to one event loop."""

    def __init__(  # noqa: PLR0913 - the parts it joins, wired once by `Log`
        self,
        running: Acts,
        expiry: Expiry,
        resumption: Resumption,
        keyring: Keyring,
        classes: RetentionClasses,
        *,
        believed: Callable[[], int],
        witnessed: Callable[[int], Awaitable[None]],
        held: Callable[[Collection[Cohort]], Counter[str]],
        second_person: bool,
    ) -> None:
        """`believed` returns the time that is believed, in microseconds; `witnessed(size)` is done once a checkpoint
        of that size has its quorum; `held` returns how many entries of some cohorts are held."""
        self._acts = running
        self._expiry = expiry
        self._resumption = resumption
        self._keyring = keyring
        self.classes = classes
        self._believed = believed
        self._witnessed = witnessed
        self._held = held
        self._second_person = second_person
        self._asked: int | None = None  # the entry that asks, while no witness has answered

    def paused(self) -> Pause | None:
        """Return why nothing may expire by itself, if so. Blocks."""
        return self._resumption.pause.read()

    def plan(self, until: int) -> list[Planned]:
        """Return the cohorts that expire up to `until` (microseconds) or have no period, soonest first. Blocks."""
        now = self._believed()
        asked = [cohort for cohort in self._cohorts() if self._is_asked(cohort, until)]
        held = self._held([cohort for cohort in asked if cohort.expires_at(self.classes) is not None])
        sizes = stored_sizes(self._expiry.eraser.store.database)
        found = [self._planned(cohort, now, sizes[cohort.name], held[cohort.name]) for cohort in asked]
        return sorted(found, key=lambda plan: (plan.expires_at is None, plan.expires_at or 0, plan.cohort.name))

    async def run_due(self) -> list[Act]:
        """Expire every cohort whose time is over and return the acts, done. What is wholly held is left. Not while it
        is `paused`.

        Raises `LogHalted`, `Unavailable` if this machine's clock is ahead of what the witnesses bear out, and what
        expiring raises.
        """
        self._acts.require_open()
        await self._require_believable()
        acts = []
        for cohort in await asyncio.to_thread(self._due):
            async with self._acts.lock:
                if (act := await self._begin(cohort, None)) is not None:
                    acts.append(await self._acts.run(act))
        return acts

    async def request(self, principal: Principal, authorised_by: str) -> list[Act]:
        """Expire every cohort whose time is over on request, then end a pause that there was when it was asked;
        pending where a second person must agree.

        Asked again, what waits already is answered again; `entries` of what waits is how many would expire now. Raises
        as `run_due`; the pause goes on then.
        """
        self._acts.require_open()
        paused = await asyncio.to_thread(self.paused)
        await self._require_believable()
        acts = []
        for cohort in await asyncio.to_thread(self._due):
            async with self._acts.lock:
                act = await asyncio.to_thread(self._waiting, cohort) or await self._begin(
                    cohort, principal, authorised_by
                )
                if act is not None:
                    acts.append(await self._run_or_show(act, cohort))
        return acts if paused is None else [*acts, *await self._resumption.request(paused, principal, authorised_by)]

    async def resume(self) -> None:
        """Finish what is begun: a database in use may have kept an act from cleaning up."""
        await self._acts.resume()

    def reach(self, cohort: str) -> tuple[int, int]:
        """Return how many entries of a cohort would expire now, and how many are held. Blocks."""
        held = self._held([parse_cohort(cohort)])[cohort]
        return stored_sizes(self._expiry.eraser.store.database)[cohort] - held, held

    def due_count(self) -> int:
        """Return how many cohorts are due. Blocks."""
        return len(self._due())

    async def _begin(self, cohort: Cohort, principal: Principal | None, authorised_by: str | None = None) -> Act | None:
        if await asyncio.to_thread(self._leave, cohort, UNFINISHED if principal is None else OPEN):
            return None
        if principal is None:
            await self._overtake(cohort)
            return await self._acts.begin(ActKind.EXPIRY, {}, None, cohort=cohort.name)
        payload = {**asked_by(principal), "authorised_by": authorised_by}
        start = self._acts.propose if self._second_person else self._acts.begin
        return await start(ActKind.EXPIRY, payload, principal, cohort=cohort.name)

    async def _run_or_show(self, act: Act, cohort: Cohort) -> Act:
        if act.state is not ActState.PENDING:
            return await self._acts.run(act)
        entries, _ = await asyncio.to_thread(self.reach, cohort.name)
        return replace(act, entries=entries)

    def _waiting(self, cohort: Cohort) -> Act | None:
        """Return the act that waits for a second person to expire this cohort."""
        pending = self._acts.store.in_states([ActState.PENDING], ActKind.EXPIRY)
        return next((act for act in pending if act.cohort == cohort.name), None)

    async def _overtake(self, cohort: Cohort) -> None:
        """End what waits for a second person to expire this cohort: its time is over, whether anybody agrees."""
        act = await asyncio.to_thread(self._waiting, cohort)
        if act is not None:
            await self._acts.conclude(act, {"cohort": cohort.name, "overtaken": True}, "failed", ActState.OVERTAKEN)

    def _leave(self, cohort: Cohort, states: Collection[ActState]) -> bool:
        """Tell whether nothing can be done: another act does it, it is done, or all of what was moved is held still."""
        if cohort.name not in self._keyring.cohort_names():
            return True
        lineage = {cohort.name, *(earlier.name for earlier in cohort.earlier())}  # these may move entries to this one
        if any(act.cohort in lineage for act in self._acts.store.in_states(states, ActKind.EXPIRY)):
            return True
        extent = self._expiry.eraser.extent(cohort, self._expiry.holds)
        return bool(extent.held) and not extent.entries

    async def _require_believable(self) -> None:
        """Where the witnesses' last word is old, have them speak: log an entry and wait for its checkpoint."""
        if not await asyncio.to_thread(self._blocked):
            return
        if self._asked is None:
            purpose = "end of retention periods"
            self._asked = await self._acts.own.note(SERVICE, "tlog.retention.check", {}, purpose=purpose)
        try:
            await asyncio.wait_for(self._witnessed(self._asked + 1), _CHECK_SECONDS)
            self._asked = None
        except (TimeoutError, TlogError):
            raise Unavailable("nothing expires: no witness says what time it is") from None
        if await asyncio.to_thread(self._blocked):
            raise Unavailable("nothing expires: this machine's clock is ahead of the witnesses' by over a day")

    def _blocked(self) -> bool:
        cohorts = self._cohorts()
        return len(due(cohorts, self.classes, self._acts.now())) > len(due(cohorts, self.classes, self._believed()))

    def _due(self) -> list[Cohort]:
        return due(self._cohorts(), self.classes, self._believed())

    def _cohorts(self) -> list[Cohort]:
        return [parse_cohort(name) for name in self._keyring.cohort_names()]

    def _is_asked(self, cohort: Cohort, until: int) -> bool:
        end = cohort.expires_at(self.classes)
        return end is None or end <= until

    def _planned(self, cohort: Cohort, now: int, entries: int, held: int) -> Planned:
        end = cohort.expires_at(self.classes)
        kept = self.classes.get(cohort.retention)
        is_due = end is not None and end <= now
        return Planned(cohort, kept, end, entries - held, None if end is None else held, is_due)

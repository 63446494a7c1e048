"""Reads are entries: what somebody looked at, was refused or administered, logged before they are answered.

One answer is one entry of the source `tlog`, however many entries it shows; each of these is a target `entry`, so "who
looked at entry 17" is a look-up. It names no data subject. Where one was looked up by name whom the log knows, the
number of their key is a target `person`: it leads to them as long as they have that key, and then to nobody, while who
looked at what stays.

What can't be logged is not served: `record` raises `NotLogged`.

Who shows no valid credential, or asks too often, can't fill the log: such attempts are counted, and logged together, at
most one entry every `interval` seconds for those whom nobody knows, and one for each principal.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Literal

import structlog

from tlog.audit.entry import Actor
from tlog.errors import NotLogged, TlogError
from tlog.service.own_entries import OwnEntries
from tlog.service.principal import Principal

Outcome = Literal["allowed", "denied", "failed"]
NOBODY: Final = Actor(type="unauthenticated", id="unknown")
PURPOSE: Final = "access to the audit log"
REFUSED: Final = "tlog.access.refuse"
ENTRY: Final = "entry"
"""The type of the targets that name entries by index."""
PERSON: Final = "person"
"""The type of the target that names the key of a data subject who was looked up by name."""
_logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """One request that was answered, or is about to be. `person` is the number of the key of a data subject who was
    looked up by name, found when they were, and never made for it."""

    principal: Principal
    action: str
    outcome: Outcome
    details: Mapping[str, Any]
    indices: Sequence[int] = ()
    person: int | None = None


@dataclass(slots=True)
class _Refusals:
    """Attempts that wait to be logged: how many of which operation, by whoever attempted them."""

    counts: dict[Actor, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    done: asyncio.Event = field(default_factory=asyncio.Event)


def targets_of(indices: Iterable[int], person: int | None = None) -> list[dict[str, str]]:
    """Return the targets of an own entry that shows these entries, and that looked up the person with this key."""
    looked_up = [] if person is None else [{"type": PERSON, "id": str(person)}]
    return [*looked_up, *({"type": ENTRY, "id": str(index)} for index in indices)]


class AccessLog:
    """Logs accesses. Belongs to one event loop."""

    def __init__(self, own: OwnEntries, interval: float = 1.0, clock: Callable[[], float] = monotonic) -> None:
        """`interval` and `clock` are in seconds."""
        self._own = own
        self._interval = interval
        self._clock = clock
        self._waiting: _Refusals | None = None
        self._flushed_at = clock() - interval
        self._task: asyncio.Task[None] | None = None
        self._flushes: set[asyncio.Task[None]] = set()

    async def record(self, access: Access) -> int:
        """Append the entry of an access and return its index; durable on return. Raises `NotLogged`."""
        values: dict[str, Any] = {
            "actor": access.principal.actor(),
            "action": access.action,
            "outcome": access.outcome,
            "purpose": PURPOSE,
            "crud": "read",
            "details": access.details,
            "targets": targets_of(access.indices, access.person),
        }
        try:
            return await self._own.record(values)
        except TlogError as error:
            raise NotLogged(f"what can't be logged is not served: {error}") from None

    async def refused(self, operation: str, actor: Actor = NOBODY) -> None:
        """Return once an attempt that was turned away is logged, together with others of its moment.

        Where that fails it is reported: nothing is served to whoever attempted it.
        """
        waiting = self._waiting = self._waiting or _Refusals()
        waiting.counts[actor][operation] += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._flush(), name="refused accesses")
            self._flushes.add(self._task)
            self._task.add_done_callback(self._flushes.discard)
        await waiting.done.wait()

    async def stop(self) -> None:
        """Log what waits, within `interval`."""
        await asyncio.gather(*self._flushes)

    async def _flush(self) -> None:
        await asyncio.sleep(max(0.0, self._flushed_at + self._interval - self._clock()))
        refusals, self._waiting = self._waiting or _Refusals(), None
        self._task = None
        self._flushed_at = self._clock()
        try:
            await asyncio.gather(*(self._log_refusals(actor, counts) for actor, counts in refusals.counts.items()))
        finally:
            refusals.done.set()

    async def _log_refusals(self, actor: Actor, counts: Counter[str]) -> None:
        details = {"attempts": counts.total(), "operations": dict(sorted(counts.items()))}
        values = {"actor": actor, "action": REFUSED, "outcome": "denied", "purpose": PURPOSE, "details": details}
        try:
            await self._own.record(values)
        except TlogError as error:
            _logger.error("refused accesses could not be logged", reason=str(error), **details)

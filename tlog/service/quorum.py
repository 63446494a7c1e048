"""Ask every witness at once, and collect until the policy's quorum is met.

Witnesses outside the quorum are asked too; whoever answers late is added to the stored checkpoint when it
does. Nobody waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import aiohttp

from tlog.formats.checkpoint import Checkpoint
from tlog.formats.note import Note, Signature, Verifier
from tlog.formats.policy import Policy, WitnessLine
from tlog.service.feeder import Prove, WitnessFeeder, WitnessKnowsMore, WitnessRefused

Late = Callable[[Note], None]


@dataclass(slots=True)
class WitnessStatus:
    """What the last request to one witness gave. Times in microseconds."""

    label: str
    url: str
    size: int = 0
    cosigned_at: int | None = None
    refusal: str | None = None


@dataclass(slots=True)
class Round:
    """One checkpoint in front of all witnesses: what came back so far."""

    note: Note
    met: bool
    cosigned: set[tuple[str, bytes]] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)


class Witnesses:
    """All witnesses of a policy. Belongs to one event loop."""

    def __init__(
        self,
        policy: Policy,
        log: Sequence[Verifier],
        signed_size: Callable[[], int],
        session: aiohttp.ClientSession,
        now: Callable[[], int],
    ) -> None:
        """Policy lines of one URL are one witness with several keys; lines without a URL are never asked."""
        self._policy = policy
        self._now = now
        by_url: dict[str, list[WitnessLine]] = {}
        for line in policy.witnesses:
            if line.url is not None:
                by_url.setdefault(line.url, []).append(line)
        self._feeders = [WitnessFeeder(lines, log, signed_size, session) for lines in by_url.values()]
        self.status = {feeder.url: WitnessStatus(feeder.label, feeder.url) for feeder in self._feeders}
        self._tasks: set[asyncio.Task[tuple[Signature, ...]]] = set()

    async def cosign(self, note: Note, checkpoint: Checkpoint, prove: Prove, seconds: float, late: Late) -> Round:
        """Return when the quorum is met, everybody answered, or `seconds` went by.

        Only what was answered now counts, not cosignatures that `note` carries already. Once the quorum is
        met, `late` is called with the whole note whenever another cosignature comes in. Raises
        `WitnessKnowsMore` as soon as one witness proves it.
        """
        pending = {self._ask(feeder, note, checkpoint, prove) for feeder in self._feeders}
        result = Round(note, self._policy.quorum_met([]))
        deadline = asyncio.get_running_loop().time() + seconds
        while pending and not result.met:
            left = deadline - asyncio.get_running_loop().time()
            done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
            self._collect(done, result)
        for task in pending if result.met else ():
            task.add_done_callback(lambda task: self._collect_late(task, result, late))
        return result

    async def close(self) -> None:
        """Give up on every request under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ask(
        self, feeder: WitnessFeeder, note: Note, checkpoint: Checkpoint, prove: Prove
    ) -> asyncio.Task[tuple[Signature, ...]]:
        async def ask() -> tuple[Signature, ...]:
            status = self.status[feeder.url]
            try:
                signatures = await feeder.cosign(note, checkpoint, prove)
            except (WitnessRefused, WitnessKnowsMore) as error:
                status.refusal = str(error)
                raise
            status.size, status.cosigned_at, status.refusal = checkpoint.size, self._now(), None
            return signatures

        task = asyncio.get_running_loop().create_task(ask(), name=f"witness {feeder.label}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _collect(self, done: Iterable[asyncio.Task[tuple[Signature, ...]]], result: Round) -> None:
        for task in done:
            try:
                signatures = task.result()
            except WitnessRefused as refusal:
                result.refusals.append(str(refusal))
            else:
                result.note = result.note.with_signatures(signatures)
                result.cosigned.update((signature.name, signature.key_id) for signature in signatures)
        result.met = self._met(result.cosigned)

    def _collect_late(self, task: asyncio.Task[tuple[Signature, ...]], result: Round, late: Late) -> None:
        if task.cancelled() or task.exception() is not None:
            return  # Its refusal is in `status`; the next round asks again.
        result.note = result.note.with_signatures(task.result())
        late(result.note)

    def _met(self, cosigned: set[tuple[str, bytes]]) -> bool:
        """Whether these cosignatures, each verified when it came in, meet the quorum."""
        lines = self._policy.witnesses
        return self._policy.quorum_met([w.name for w in lines if (w.vkey.name, w.vkey.key_id) in cosigned])

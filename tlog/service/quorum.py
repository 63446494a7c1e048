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
from tlog.service.feeder import History, WitnessFeeder, WitnessKnowsMore, WitnessRefused, WitnessSilent


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for witnesses, and whom to tell what comes in afterwards.

    At most `seconds`; until the quorum is met, or `for_all` of them. `late` gets the whole note whenever
    another cosignature comes in after a quorum, `knows_more` a witness's proof that the log was rolled back.
    """

    seconds: float
    late: Callable[[Note], None]
    knows_more: Callable[[WitnessKnowsMore], None]
    for_all: bool = False


@dataclass(slots=True)
class WitnessStatus:
    """What the last request to one witness gave; `silent`: no answer. Times in microseconds."""

    label: str
    url: str
    size: int = 0
    cosigned_at: int | None = None
    refusal: str | None = None
    silent: bool = False


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

    @property
    def feeders(self) -> Sequence[WitnessFeeder]:
        """Those who are asked, one for each URL, in the policy's order."""
        return self._feeders

    async def cosign(self, note: Note, checkpoint: Checkpoint, history: History, patience: Patience) -> Round:
        """Return when the quorum is met, everybody answered, or `patience.seconds` went by.

        Only what was answered now counts, not cosignatures that `note` carries already. Raises
        `WitnessKnowsMore` if one of the witnesses that answered by then proves it; whoever answers later is
        reported to `patience`.
        """
        pending = {self._ask(feeder, note, checkpoint, history) for feeder in self._feeders}
        result = Round(note, self._policy.quorum_met([]))
        deadline = asyncio.get_running_loop().time() + patience.seconds
        while pending and (patience.for_all or not result.met):
            left = deadline - asyncio.get_running_loop().time()
            done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                result.refusals.extend(f"{task.get_name()} has not answered" for task in pending)
                break
            self._collect(done, result)
        for task in pending:
            task.add_done_callback(lambda task: self._collect_late(task, result, patience))
        return result

    def catch_up(self, note: Note, checkpoint: Checkpoint, history: History, patience: Patience) -> None:
        """Ask those who have not cosigned a published checkpoint yet, and wait for nobody."""
        result = Round(note, met=True)
        for feeder in self._feeders:
            if feeder.known_size < checkpoint.size:
                task = self._ask(feeder, note, checkpoint, history)
                task.add_done_callback(lambda task: self._collect_late(task, result, patience))

    async def close(self) -> None:
        """Give up on every request under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ask(
        self, feeder: WitnessFeeder, note: Note, checkpoint: Checkpoint, history: History
    ) -> asyncio.Task[tuple[Signature, ...]]:
        async def ask() -> tuple[Signature, ...]:
            status = self.status[feeder.url]
            try:
                signatures = await feeder.cosign(note, checkpoint, history)
            except (WitnessRefused, WitnessKnowsMore) as error:
                status.refusal, status.silent = str(error), isinstance(error, WitnessSilent)
                raise
            status.size, status.cosigned_at = checkpoint.size, self._now()
            status.refusal, status.silent = None, False
            return signatures

        task = asyncio.get_running_loop().create_task(ask(), name=f"witness {feeder.label}")
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[tuple[Signature, ...]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Seen: two witnesses may prove a rollback, and one is enough to stop.

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

    def _collect_late(self, task: asyncio.Task[tuple[Signature, ...]], result: Round, patience: Patience) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, WitnessKnowsMore):
            patience.knows_more(error)
        elif error is None and result.met:
            result.note = result.note.with_signatures(task.result())
            patience.late(result.note)
        # Any other refusal is in `status`; the next round asks again.

    def _met(self, cosigned: set[tuple[str, bytes]]) -> bool:
        """Whether these cosignatures, each verified when it came in, meet the quorum."""
        lines = self._policy.witnesses
        return self._policy.quorum_met([w.name for w in lines if (w.vkey.name, w.vkey.key_id) in cosigned])

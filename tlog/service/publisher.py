"""Publish: sign the integrated tree, have it witnessed, make it the log's checkpoint.

Trust rules:

* Before the first signature after a start, the last checkpoint ever signed (of a new log: the empty one,
  which is the same in every history) is shown to all witnesses once more. Nothing is built upon it before
  their quorum confirmed it; with `fail_open`, before at least one of them did.
* Whenever a witness proves that it knows more, however late, the database was rolled back and the log halts.
* A checkpoint is stored before any witness sees it, so one size is signed once, whatever crashes; an
  unwitnessed one is shown again after a restart, not signed again.
* Fail closed: what is served is the last checkpoint whose quorum was met. `fail_open` serves the newest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from traceback import format_tb
from typing import TypeVar

import structlog

from tlog.errors import ConcurrentUpdate, StorageFault, TlogError, Unavailable
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.note import Note, parse_note
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.merkle.nodes import TileNodes
from tlog.service.checkpoint_signer import CheckpointSigner
from tlog.service.feeder import WitnessKnowsMore
from tlog.service.integrator import Integrator
from tlog.service.progress import Progress
from tlog.service.quorum import Patience, Round, Witnesses
from tlog.service.settings import LogSettings
from tlog.service.tile_history import TileHistory
from tlog.storage.log_store import LogStore, StoredCheckpoint

_RETRY_SECONDS = 1.0
T = TypeVar("T")
_logger = structlog.get_logger()


class Publisher:
    """Drives integration and publication. Belongs to one event loop; `start` then runs until `stop`."""

    def __init__(  # noqa: PLR0913 - the parts it drives, wired once by `Log`
        self,
        *,
        store: LogStore,
        integrator: Integrator,
        nodes: TileNodes,
        signer: CheckpointSigner,
        witnesses: Witnesses,
        settings: LogSettings,
        now: Callable[[], int],
        halt: Callable[[str], None],
    ) -> None:
        """`now` returns microseconds since the epoch; `halt` is told why nothing more may be signed."""
        self._store = store
        self._integrator = integrator
        self._history = TileHistory(nodes)
        self._signer = signer
        self._witnesses = witnesses
        self._settings = settings
        self._now = now
        self._halt = halt
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="integrator")
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._confirmed = False
        self._next_catch_up = 0.0
        self.halted = False
        self.signed = store.last_signed()
        last_witnessed = store.last_witnessed()
        self.published = self.signed if settings.fail_open else last_witnessed
        self.integrated = Progress(integrator.state.integrated_size)
        # -1 as long as not even the empty tree is witnessed: with `fail_open` it may be published all the same.
        self.witnessed = Progress(last_witnessed.size if last_witnessed else -1)
        self.problem: str | None = None

    async def start(self) -> None:
        """Ask the witnesses about the last signed checkpoint, then publish in the background.

        Returns after at most `quorum_timeout` seconds. Whether or not they answered: nothing is signed
        before they did.
        """
        await self._turn()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="publisher")

    async def stop(self) -> None:
        """Finish the round under way and stop."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self._witnesses.close()
        await asyncio.gather(*self._late, return_exceptions=True)
        self._thread.shutdown()

    async def _run(self) -> None:
        while not self._stopping.is_set() and not self.halted:
            wait = self._settings.checkpoint_interval if self.problem is None else _RETRY_SECONDS
            try:
                await asyncio.wait_for(self._stopping.wait(), wait)
            except TimeoutError:
                await self._turn()

    async def _turn(self) -> None:
        try:
            await self._advance()
        except (WitnessKnowsMore, ConcurrentUpdate, StorageFault) as error:
            self._stop_signing(str(error))
        except Unavailable as error:
            self._report(str(error))
        except Exception as error:
            # Whatever it is, it must not end this task in silence while appends go on.
            _logger.error("publishing failed unexpectedly", trace=format_tb(error.__traceback__))
            self._stop_signing(f"publishing failed unexpectedly ({type(error).__name__}); see the log's error output")

    async def _advance(self) -> None:
        if not self._confirmed:
            self._confirmed = await self._confirm()
            if not self._confirmed or self.halted:
                return
        tree = await self._blocking(self._integrator.integrate)
        self.integrated.advance(tree.integrated_size)
        if self.signed is None or tree.integrated_size > self.signed.size:
            self.signed = await self._blocking(self._sign, tree.integrated_size, tree.integrated_root)
        if self.published is None or self.witnessed.size < self.signed.size:
            await self._show(self.signed, for_all=False)
        elif asyncio.get_running_loop().time() >= self._next_catch_up:
            self._catch_up(self.published)

    async def _confirm(self) -> bool:
        """Ask every witness about the last signed checkpoint. Returns whether enough of them confirmed it."""
        if self.signed is None:
            self.signed = await self._blocking(self._sign, 0, EMPTY_ROOT)
        outcome = await self._show(self.signed, for_all=True)
        if self._settings.fail_open and self._witnesses.status:
            return bool(outcome.cosigned)
        return outcome.met

    def _catch_up(self, published: StoredCheckpoint) -> None:
        """On a quiet log, a witness that was away is brought up to date all the same."""
        self._next_catch_up = asyncio.get_running_loop().time() + self._settings.catch_up_interval
        checkpoint = Checkpoint(self._signer.origin, published.size, published.root)
        self._witnesses.catch_up(parse_note(published.note), checkpoint, self._history, self._patience(for_all=False))

    def _patience(self, *, for_all: bool) -> Patience:
        return Patience(self._settings.quorum_timeout, self._merge_late, self._halt_late, for_all)

    def _sign(self, size: int, root: bytes) -> StoredCheckpoint:
        now = self._now()
        if now < 1_000_000:
            raise Unavailable("this machine's clock reads a time before 1970; nothing is signed until it is right")
        note = self._signer.sign(size, root, now // 1_000_000)
        signed = StoredCheckpoint(size, root, note.encode(), now, None)
        self._store.add_checkpoint(signed)
        return signed

    async def _show(self, signed: StoredCheckpoint, *, for_all: bool) -> Round:
        """Have a signed checkpoint witnessed, and publish it if the quorum is met."""
        checkpoint = Checkpoint(self._signer.origin, signed.size, signed.root)
        note, patience = parse_note(signed.note), self._patience(for_all=for_all)
        outcome = await self._witnesses.cosign(note, checkpoint, self._history, patience)
        if self.halted:
            return outcome  # A late witness proved a rollback meanwhile.
        if outcome.met:
            await self._publish(signed, outcome.note)
        else:
            self._report(f"no quorum for size {signed.size}: {'; '.join(outcome.refusals) or 'no witness to ask'}")
            if self._settings.fail_open:
                self._serve(signed, outcome.note)
        return outcome

    async def _publish(self, signed: StoredCheckpoint, note: Note) -> None:
        await self._blocking(self._store.set_witnessed, signed.size, note.encode(), self._now())
        self._serve(signed, note)
        self.witnessed.advance(signed.size)
        self.problem = None
        await self._blocking(self._integrator.collect, signed.size)

    def _serve(self, signed: StoredCheckpoint, note: Note) -> None:
        self.published = StoredCheckpoint(signed.size, signed.root, note.encode(), signed.signed_at, self._now())

    def _halt_late(self, error: WitnessKnowsMore) -> None:
        self._stop_signing(str(error))

    def _merge_late(self, note: Note) -> None:
        task = asyncio.get_running_loop().create_task(self._store_late(note))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _store_late(self, note: Note) -> None:
        size = int(note.text.split("\n", 2)[1])
        try:
            await self._blocking(self._store.set_witnessed, size, note.encode(), self._now())
        except TlogError as error:
            _logger.warning("late cosignature not stored", size=size, reason=str(error))
            return
        if self.published is not None and self.published.size == size:
            self._serve(self.published, note)

    async def _blocking(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def _report(self, problem: str) -> None:
        if problem != self.problem:
            _logger.warning("not publishing", reason=problem)
        self.problem = problem

    def _stop_signing(self, reason: str) -> None:
        _logger.error("log halted", reason=reason)
        self.halted = True
        self.problem = reason
        self._halt(reason)

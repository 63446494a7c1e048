"""Sequence: append requests queue here, are stored in groups, and are answered once durable.

Group commit: whatever arrived while one transaction was being written goes into the next, so one fsync
serves many requests. The queue is bounded in entries and in bytes; what does not fit is refused at once
with `Overloaded`, and nothing of it is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tlog.errors import Conflict, LogHalted, Overloaded, StorageFault, TlogError, Unavailable
from tlog.service.settings import LogSettings
from tlog.storage.append_store import Appended, AppendStore, KnownIds, Outcome, SealedRequest, StaleKeys


@dataclass(frozen=True, slots=True)
class _Request:
    sealed: SealedRequest
    answer: asyncio.Future[Appended | KnownIds | StaleKeys]


class Sequencer:
    """The one queue into the log. Belongs to one event loop; the database is written on its own thread."""

    def __init__(self, store: AppendStore, settings: LogSettings) -> None:
        self._store = store
        self._settings = settings
        self._queue: deque[_Request] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sequencer")
        self._task: asyncio.Task[None] | None = None
        self._refusal: TlogError | None = Unavailable("the log is starting")
        self.pending_entries = 0
        self.pending_bytes = 0

    def start(self) -> None:
        """Open for appends."""
        self._refusal = None
        self._task = asyncio.get_running_loop().create_task(self._run(), name="sequencer")

    def halt(self, reason: str) -> None:
        """Refuse every append from now on; what is queued is refused too."""
        self._refusal = LogHalted(reason)
        while self._queue:
            _refuse(self._queue.popleft(), self._refusal)

    async def stop(self) -> None:
        """Refuse new requests, store what is queued, and stop."""
        self._refusal = self._refusal or Unavailable("the log is stopping")
        if self._task is not None:
            self._wake.set()
            await self._task
        self._thread.shutdown()

    @contextlib.contextmanager
    def reserve(self, entries: int, size: int) -> Iterator[None]:
        """Hold a place for `entries` of `size` bytes in all, from before they are sealed until they are stored.

        Raises `Overloaded` where the queue is full, `Unavailable` or `LogHalted` where nothing is taken.
        """
        self._admit(entries, size)
        self.pending_entries += entries
        self.pending_bytes += size
        try:
            yield
        finally:
            self.pending_entries -= entries
            self.pending_bytes -= size

    async def append(self, sealed: SealedRequest) -> Appended | KnownIds | StaleKeys:
        """Give the rows indices; durable on return, all or none. Call within `reserve`.

        `KnownIds`: nothing was stored, because some of these ids have an index already. `StaleKeys`: nothing was
        stored, because keys were withdrawn since the rows were sealed.
        Raises `Conflict`, `ConcurrentUpdate`, `StorageFault`, `Unavailable`, `LogHalted`.
        """
        if self._refusal is not None:
            raise self._refusal
        answer: asyncio.Future[Appended | KnownIds | StaleKeys] = asyncio.get_running_loop().create_future()
        self._queue.append(_Request(sealed, answer))
        self._wake.set()
        # A caller who goes away does not undo what is queued: it may be stored already.
        return await asyncio.shield(answer)

    def _admit(self, entries: int, size: int) -> None:
        if self._refusal is not None:
            raise self._refusal
        limits = self._settings
        if not self.pending_entries:
            return  # A request larger than the whole queue is taken alone.
        if (
            self.pending_entries + entries > limits.max_pending_entries
            or self.pending_bytes + size > limits.max_pending_bytes
        ):
            raise Overloaded("the append queue is full; nothing of this request was stored", retry_after=1)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue or self._refusal is None:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            group = self._take_group()
            try:
                outcomes = await loop.run_in_executor(
                    self._thread, self._store.append, [request.sealed for request in group]
                )
            except TlogError as error:
                for request in group:
                    _refuse(request, error)
            except Exception as error:
                failure = StorageFault(f"the append failed unexpectedly: {type(error).__name__}")
                for request in group:
                    _refuse(request, failure)
            else:
                for request, outcome in zip(group, outcomes, strict=True):
                    _answer(request, outcome)

    def _take_group(self) -> list[_Request]:
        group: list[_Request] = []
        rows = 0
        while self._queue and (not group or rows + len(self._queue[0].sealed.rows) <= self._settings.max_group):
            request = self._queue.popleft()
            rows += len(request.sealed.rows)
            group.append(request)
        return group


def _answer(request: _Request, outcome: Outcome) -> None:
    if isinstance(outcome, Conflict):
        _refuse(request, outcome)
    elif not request.answer.done():
        request.answer.set_result(outcome)


def _refuse(request: _Request, error: TlogError) -> None:
    if not request.answer.done():
        request.answer.set_exception(error)
        request.answer.exception()  # Mark as seen: the caller may have gone away.

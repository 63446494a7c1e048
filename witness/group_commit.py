"""Requests that arrive together share one batch: one read, one fsync. Between the event loop and threads."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from tlog.errors import Overloaded, TlogError
from witness.metrics import Metrics
from witness.witness import Answer, Witness

MAX_BATCH = 32
"""Requests a batch: at about 1 ms of signing each, a bound on how long the last one waits for the first."""

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Bodies waiting for a batch; beyond it new requests are refused, so that memory stays bounded."""

BATCHES_AT_ONCE = 2
"""While one batch waits for its fsync, the next one signs."""


class GroupCommit:
    """Collects bodies on the event loop and has `Witness.add_checkpoints` answer them in batches."""

    def __init__(self, witness: Witness, metrics: Metrics) -> None:
        self._witness = witness
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(BATCHES_AT_ONCE, "batch")
        self._waiting: deque[tuple[bytes, asyncio.Future[Answer]]] = deque()
        self._waiting_bytes = 0
        self._running: set[asyncio.Task[None]] = set()
        self.halted = asyncio.Event()

    async def submit(self, body: bytes) -> bytes:
        """Answer one body with signature lines, durable before they are returned. Raises the refusal."""
        if self._waiting_bytes + len(body) > MAX_WAITING_BYTES:
            raise Overloaded("too many requests are waiting; nothing was signed")
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, answered))
        self._waiting_bytes += len(body)
        self._start_batch()
        answer = await answered
        if isinstance(answer, TlogError):
            raise answer
        return answer

    async def close(self) -> None:
        """Wait for the batches under way, then end the threads."""
        await asyncio.gather(*self._running)
        self._threads.shutdown()

    def _start_batch(self) -> None:
        if self._waiting and len(self._running) < BATCHES_AT_ONCE:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            self._waiting_bytes -= sum(len(body) for body, _ in batch)
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._start_batch()

    async def _run(self, batch: list[tuple[bytes, asyncio.Future[Answer]]]) -> None:
        bodies = [body for body, _ in batch]
        self._metrics.batch_requests.observe(len(bodies))
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._threads, self._witness.add_checkpoints, bodies)
        except Exception as error:
            for _, answered in batch:
                _settle(answered, error)
        else:
            for (_, answered), answer in zip(batch, answers, strict=True):
                _settle(answered, answer)
        if self._witness.halted is not None:
            self.halted.set()


def _settle(answered: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if answered.done():  # the client went away
        return
    if isinstance(answer, TlogError | bytes):
        answered.set_result(answer)
    else:
        answered.set_exception(answer)

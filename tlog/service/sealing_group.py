"""Small append requests of one moment, sealed together in one thread of this process.

As with group commit: whatever arrived while one group was being sealed goes into the next. What is shared is
the way to the thread, and the keys: persons not seen before cost one durable write for the whole group. What
is not shared are faults: each request is read and sealed by itself, and is refused by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from tlog.audit.entry import Entry
from tlog.service.intake import AppendRequest, read_request
from tlog.service.sealer import Sealer
from tlog.storage.append_store import SealedRequest

GROUP_BYTES: Final = 256 << 10
"""What is read at once: a refused document costs many times its own size meanwhile."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    request: AppendRequest
    epoch: int
    sealed: asyncio.Future[SealedRequest]


class SealingGroup:
    """Belongs to one event loop. Works only while somebody waits, so it needs neither start nor stop."""

    def __init__(self, sealer: Sealer, classes: Collection[str] = ()) -> None:
        """`classes` are the retention classes that are accepted; without any, all are."""
        self._sealer = sealer
        self._classes = classes
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None

    async def seal(self, request: AppendRequest, epoch: int = 0) -> SealedRequest:
        """Return the rows of a request, in order, sealed under keys of `epoch` or newer ones.

        Raises as `read_request` and `Sealer.seal_rows` do."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(request, epoch, loop.create_future())
        self._queue.append(waiting)
        if self._task is None:
            self._task = loop.create_task(self._run(), name="sealing group")
        return await waiting.sealed

    async def _run(self) -> None:
        try:
            while self._queue:
                group = self._take_group()
                epoch = max((waiting.epoch for waiting in group), default=0)
                sealed = await asyncio.to_thread(self._seal, [waiting.request for waiting in group], epoch)
                for waiting, rows in zip(group, sealed, strict=True):
                    _answer(waiting.sealed, rows)
        finally:
            self._task = None

    def _take_group(self) -> list[_Waiting]:
        """Take from the queue's front, without those whose caller has gone away."""
        group: list[_Waiting] = []
        size = 0
        while self._queue and (not group or size + len(self._queue[0].request.body) <= GROUP_BYTES):
            waiting = self._queue.popleft()
            if not waiting.sealed.done():
                size += len(waiting.request.body)
                group.append(waiting)
        return group

    def _seal(self, requests: Sequence[AppendRequest], epoch: int) -> list[SealedRequest | Exception]:
        read = [self._read(request) for request in requests]
        try:
            entries = [found for found in read if isinstance(found, list)]
            sealed = iter(self._sealer.seal_requests(entries, epoch))
        except Exception as error:  # The keys can't be had: all who need some are told.
            return [error if isinstance(found, list) else found for found in read]
        return [next(sealed) if isinstance(found, list) else found for found in read]

    def _read(self, request: AppendRequest) -> list[Entry] | Exception:
        try:
            return read_request(request, self._classes)
        except Exception as error:
            return error


def _answer(rows: asyncio.Future[SealedRequest], sealed: SealedRequest | Exception) -> None:
    if rows.done():
        return
    if isinstance(sealed, Exception):
        rows.set_exception(sealed)
    else:
        rows.set_result(sealed)

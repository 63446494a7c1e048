"""Who waits for which tree size: `wait=integrated` and `wait=witnessed` of an append."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class Progress:
    """A size that only grows, and those who wait for it. Belongs to one event loop."""

    def __init__(self, size: int = 0) -> None:
        self.size = size
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    def advance(self, size: int) -> None:
        """Move on to `size` (a smaller one changes nothing) and wake whoever waited for it."""
        self.size = max(self.size, size)
        while self._waiting and self._waiting[0][0] <= self.size:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    async def reached(self, size: int) -> None:
        """Return when the size is at least `size`."""
        if self.size >= size:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (size, next(self._order), future))
        await future

"""Work in threads, a little at a time: what is expensive must not take the threads and the disk from appends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from tlog.errors import Overloaded

T = TypeVar("T")


class FewAtOnce:
    """Runs blocking work in threads. Belongs to one event loop."""

    def __init__(self, running: int, waiting: int, what: str) -> None:
        """At most `running` at once and `waiting` behind them; `what` names the work in the plural."""
        self._slots = asyncio.Semaphore(running)
        self._most = running + waiting
        self._what = what
        self._present = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` returns. Raises `Overloaded` at once where too much waits already."""
        if self._present >= self._most:
            raise Overloaded(f"{self._present} {self._what} are under way; ask again later")
        self._present += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._present -= 1

"""Work in threads, a little at a time: what is expensive must not take the threads and the disk from appends.

No client keeps another one from its turn:

* A client with nothing under way is always let in, so there are at most as many of these as tokens.
* A place that comes free goes to the waiting client that has the fewest running, and of these to the first that came.
* A client has at most its share under way, and what it adds to its first is refused where too much waits already.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tlog.errors import Overloaded, TooManyRequests

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    client: str
    turn: asyncio.Future[None]


class FewAtOnce:
    """Runs blocking work in threads. Belongs to one event loop."""

    def __init__(self, running: int, waiting: int, share: int, what: str) -> None:
        """At most `running` at once and about `waiting` behind them, `share` of both together for one client.

        `what` names the work in the plural.
        """
        self._places = running
        self._most = running + waiting
        self._share = share
        self._what = what
        self._running: Counter[str] = Counter()
        self._waiting: list[_Waiting] = []

    async def run(self, client: str, work: Callable[[], T]) -> T:
        """Return what `work` returns. Raises `TooManyRequests` or `Overloaded` at once where it may not wait.

        A caller who goes away gives nothing back before the work is done: its thread goes on.
        """
        self._admit(client)
        waiting = _Waiting(client, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._begin()
        return await asyncio.shield(asyncio.create_task(self._run(waiting, work)))

    def _admit(self, client: str) -> None:
        own = self._running[client] + sum(other.client == client for other in self._waiting)
        if own >= self._share:
            raise TooManyRequests(f"{own} {self._what} of this token are under way, its share; ask again later")
        present = self._running.total() + len(self._waiting)
        if own and present >= self._most:
            raise Overloaded(f"{present} {self._what} are under way; ask again later")

    async def _run(self, waiting: _Waiting, work: Callable[[], T]) -> T:
        await waiting.turn
        try:
            return await asyncio.to_thread(work)
        finally:
            self._running[waiting.client] -= 1
            self._running = +self._running  # without those who have none
            self._begin()

    def _begin(self) -> None:
        while self._waiting and self._running.total() < self._places:
            following = min(self._waiting, key=lambda waiting: self._running[waiting.client])  # the first of equals
            self._waiting.remove(following)
            self._running[following.client] += 1
            following.turn.set_result(None)

"""A closed loop: each connection sends its next request when the last one was answered. Measures throughput."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from bench.load.connection import Connection
from bench.load.tally import Tally


async def closed_loop(connections: Sequence[Connection], queues: Sequence[Sequence[bytes]], tally: Tally) -> None:
    """Send every request of the queues; connection i serves queue `i % len(queues)`."""
    waiting = [deque(queue) for queue in queues]
    async with asyncio.TaskGroup() as group:
        for number, connection in enumerate(connections):
            group.create_task(_drain(connection, waiting[number % len(waiting)], tally))


async def _drain(connection: Connection, queue: deque[bytes], tally: Tally) -> None:
    while queue:
        request = queue.popleft()
        sent = time.perf_counter()
        tally.add(await connection.send(request), sent)

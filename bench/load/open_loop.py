"""An open loop: requests are sent by the clock, as independent clients would. Measures latency.

A closed loop waits for a slow server and so asks it less while it is slow, which hides the wait of all who
would have come meanwhile. Here each request has its moment, and its latency counts from then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import count

from bench.load.connection import Connection, connect
from bench.load.tally import Tally


async def open_loop(
    address: tuple[str, int], idle: list[Connection], requests: Sequence[bytes], rate: float, tally: Tally
) -> None:
    """Send `requests` at `rate` a second, over `idle` connections and as many more as it takes."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, request in zip(count(), requests, strict=False):
            due = began + number / rate
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            tally.late = max(tally.late, time.perf_counter() - due)
            group.create_task(_one(address, idle, request, due, tally))


async def _one(address: tuple[str, int], idle: list[Connection], request: bytes, due: float, tally: Tally) -> None:
    connection = idle.pop() if idle else await connect(*address)
    while not connection.usable:  # The server ends connections that stay silent too long, as it should.
        connection = idle.pop() if idle else await connect(*address)
    tally.add(await connection.send(request), due)
    idle.append(connection)

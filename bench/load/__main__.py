"""`python -m bench.load JOB`: read a job (MessagePack), connect, say so, start when told, answer in MessagePack.

stdout: the line `ready`, later the answer.  stdin: any line starts the load.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import uvloop

from bench.load.closed_loop import closed_loop
from bench.load.connection import connect
from bench.load.job import Answered, Job
from bench.load.open_loop import open_loop
from bench.load.tally import Tally


async def run(job: Job) -> Answered:
    """Do a job."""
    address = (job.host, job.port)
    connections = [await connect(*address) for _ in range(job.connections)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    tally = Tally()
    if job.rate is None:
        await closed_loop(connections, job.queues, tally)
    else:
        await open_loop(address, connections, job.queues[0], job.rate, tally)
    result = tally.result()
    for connection in connections:
        connection.close()
    return result


def main() -> None:
    """Run the program."""
    job = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Job)
    answered = uvloop.run(run(job))
    sys.stdout.buffer.write(msgspec.msgpack.encode(answered))


if __name__ == "__main__":
    main()

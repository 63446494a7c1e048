"""How soon a log of many leaves answers again: killed, started, until its ready line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.figure import Figure
from bench.place import served
from bench.run import Run
from tests.processes import start
from tests.town import log_command


def recovery(run: Run) -> Iterator[Figure]:
    """Kill -9 the served large log and start it again, some times; the median counts."""
    starts = run.pick(5, 3)
    folder = run.large_log
    times = []
    for _ in range(starts):
        with served(folder) as place:
            place.log.kill()
        times.append(_start(folder))
    times.sort()
    yield Figure(
        "start after kill -9",
        times[len(times) // 2],
        "s to ready",
        {"leaves": run.large_size, "starts": starts},
        {"fastest s": times[0], "slowest s": times[-1]},
    )


def _start(folder: Path) -> float:
    began = time.perf_counter()
    with closing(start(log_command(folder))):
        return time.perf_counter() - began

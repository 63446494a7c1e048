"""Runs a load generator in a process of its own and hands over what it measured."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from bench.cpu_time import CpuTime, cpu_time
from bench.load.job import Answered, Job
from tests.processes import ROOT, Program, environment

_SECONDS = 900


class LoadFailed(Exception):
    """The load did not run as it must for its figure to mean anything."""


def offer(job: Job, before: Callable[[], None] = lambda: None) -> Answered:
    """Run a job. `before` is called when everything is prepared, right before the first request.

    Raises `LoadFailed` if the generator fails, or for any answer of status 300 and up.
    """
    with tempfile.NamedTemporaryFile(prefix="tlog-bench-job-") as file:
        Path(file.name).write_bytes(msgspec.msgpack.encode(job))
        answered = _run(file.name, before)
    if refused := sum(number for status, number in answered.statuses.items() if status >= 300):
        raise LoadFailed(f"{refused} requests were refused ({answered.statuses}): {answered.refusal!r}")
    return answered


def _run(job: str, before: Callable[[], None]) -> Answered:
    argv = [sys.executable, "-m", "bench.load", job]
    with subprocess.Popen(
        argv, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - piped just above
            ready = process.stdout.readline()
            if ready == b"ready\n":
                before()
            output, said = process.communicate(b"go\n" if ready else None, timeout=_SECONDS)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise LoadFailed(f"the load generator ended with {process.returncode}: {said.decode()[-3000:]}")
    return msgspec.msgpack.decode(output, type=Answered)


def load(
    program: Program, connections: int, queues: list[list[bytes]], rate: float | None = None
) -> tuple[Answered, CpuTime]:
    """Offer requests to a running program; return the answers and the processor time it used. Raises `LoadFailed`."""
    host, port = address_of(program.url)
    job = Job(host=host, port=port, connections=connections, queues=queues, rate=rate)
    before: list[CpuTime] = []
    answered = offer(job, lambda: before.append(cpu_time(program.pid)))
    return answered, cpu_time(program.pid) - before[0]


def address_of(url: str) -> tuple[str, int]:
    """Return host and port of a base URL."""
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 80

"""Programs that the demo starts: run to their end, or served until the demo ends. None is left behind.

A program that serves prints one JSON line `{"event": "ready", "url": …}` on stdout. Stderr goes to a file: its end
says why a program died. Every program is a process group of its own, so that Ctrl-C in a terminal reaches only
the demo, which stops them in order; whoever kills the demo with SIGKILL has to stop them himself.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tlog.errors import Unavailable

TLOG: Final = (sys.executable, "-m", "tlog.cli.main")
WITNESS: Final = (sys.executable, "-m", "witness.cli")
READY_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
_STDERR_SHOWN: Final = 2000


class ProgramFailed(Unavailable):
    """A program of the demo ended, or was not ready in time; the message has the end of its stderr."""


@dataclass(frozen=True, slots=True)
class Program:
    """A running program: its name in messages, its ready line, its stderr file."""

    name: str
    process: asyncio.subprocess.Process
    ready: dict[str, Any]
    stderr: Path

    @property
    def url(self) -> str:
        """The address it serves at, without a slash at the end."""
        return str(self.ready["url"]).rstrip("/")

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.returncode is None

    def obituary(self) -> ProgramFailed:
        """Return the error to raise once it has ended."""
        return _failed(self.name, f"ended with {_ending(self.process.returncode)}", self.stderr)


class Programs:
    """The programs of one demo; an async context that stops those still running: the last started, then the others."""

    def __init__(self, folder: Path) -> None:
        """Stderr files go into `folder`, which exists."""
        self._folder = folder
        self._running: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> Programs:
        return self

    async def __aexit__(self, *_: object) -> None:
        for together in (self._running[-1:], self._running[:-1]):
            await asyncio.gather(*map(_stop, together))

    async def run(self, name: str, argv: Sequence[str]) -> dict[str, Any]:
        """Run a command to its end and return the JSON object it prints. Raises `ProgramFailed`."""
        stderr = self._folder / f"{name}.stderr"
        process = await _spawn(argv, stderr)
        self._running.append(process)  # stopped with the others if we are cancelled here
        async with _in_time(name, stderr):
            output, _ = await process.communicate()
        self._running.remove(process)
        if process.returncode != 0:
            raise _failed(name, f"ended with {_ending(process.returncode)}", stderr)
        return _json_object(output)

    async def serve(self, name: str, argv: Sequence[str]) -> Program:
        """Start a program and return once it is ready. Raises `ProgramFailed`."""
        stderr = self._folder / f"{name}.stderr"
        process = await _spawn(argv, stderr)
        self._running.append(process)
        async with _in_time(name, stderr):
            ready = await _ready_line(process)
        if not ready:
            await process.wait()
            raise _failed(name, f"ended with {_ending(process.returncode)} before it was ready", stderr)
        return Program(name, process, ready, stderr)


@asynccontextmanager
async def _in_time(name: str, stderr: Path) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(READY_SECONDS):
            yield
    except TimeoutError:
        raise _failed(name, f"was not ready after {READY_SECONDS:g} seconds", stderr) from None


async def _spawn(argv: Sequence[str], stderr: Path) -> asyncio.subprocess.Process:
    with stderr.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            process_group=0,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


async def _ready_line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    if process.stdout is None:
        raise AssertionError("spawned with a pipe")
    async for line in process.stdout:
        found = _json_object(line)
        if found.get("event") == "ready":
            return found
    return {}


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _failed(name: str, what: str, stderr: Path) -> ProgramFailed:
    said = stderr.read_text("utf-8", "replace").strip()[-_STDERR_SHOWN:]
    return ProgramFailed(
        f"{name} {what}; " + (f"the end of its stderr: {said}" if said else "it said nothing on stderr")
    )


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

"""Real processes for tests: start one, read its ready line, kill it, see what it said.

A long-running program of this project prints one JSON line `{"event": "ready", …}` on stdout once it serves;
`start` returns only then. Stderr goes to a file, so that a talkative program never blocks on a full pipe.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
TLOG = (sys.executable, "-m", "tlog.cli.main")
WITNESS = (sys.executable, "-m", "witness.cli")

STOP_SECONDS = 20.0


class ProcessError(AssertionError):
    """A program did not do what the test needs of it; the message ends with its stderr."""


class Program:
    """A running program, its ready line and everything it printed."""

    def __init__(self, argv: Sequence[str], process: subprocess.Popen[str], stderr: IO[str]) -> None:
        self.argv = tuple(argv)
        self.process = process
        self.ready: dict[str, Any] = {}
        self.lines: list[str] = []
        self._stderr = stderr
        self._unread: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read_stdout, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """The base URL of the ready line, without a slash at its end."""
        return str(self.ready["url"]).rstrip("/")

    @property
    def pid(self) -> int:
        return self.process.pid

    def stderr(self) -> str:
        """Everything the program has written to stderr so far."""
        return Path(self._stderr.name).read_text(encoding="utf-8", errors="replace")

    def alive(self) -> bool:
        return self.process.poll() is None

    def wait_ready(self, seconds: float) -> None:
        """Read stdout up to the ready line; ProcessError if the program ends or stays silent first."""
        deadline = time.monotonic() + seconds
        while not self.ready:
            event = _json_object(self._next_line(deadline))
            if event.get("event") == "ready":
                self.ready = event

    def wait_port(self, host: str, port: int, seconds: float) -> None:
        """Wait until the program accepts connections: for foreign programs that print no ready line."""
        deadline = time.monotonic() + seconds
        while True:
            self._require_alive(deadline, f"listen on {host}:{port}")
            try:
                socket.create_connection((host, port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """SIGKILL, as a power cut would: no handler runs. Returns once the process is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM and wait; returns the exit code. ProcessError, after a kill, if it does not end in time."""
        try:
            return self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessError(self._report(f"did not end within {STOP_SECONDS} s of SIGTERM")) from None

    def close(self) -> None:
        """Kill what still runs and release the pipes."""
        self.kill()
        self._reader.join(timeout=5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._stderr.close()

    def _end(self, signum: signal.Signals) -> int:
        if self.alive():
            self.process.send_signal(signum)
        return self.process.wait(timeout=STOP_SECONDS)

    def _read_stdout(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._unread.put(line)
        self._unread.put(None)

    def _next_line(self, deadline: float) -> str:
        try:
            line = self._unread.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise ProcessError(self._report("printed no ready line in time")) from None
        if line is None:
            raise ProcessError(self._report(f"ended with {self.process.wait()} before it was ready"))
        return line

    def _require_alive(self, deadline: float, what: str) -> None:
        if not self.alive():
            raise ProcessError(self._report(f"ended with {self.process.returncode} before it could {what}"))
        if time.monotonic() > deadline:
            raise ProcessError(self._report(f"did not {what} in time"))

    def _report(self, what: str) -> str:
        return f"{' '.join(self.argv)} {what}\n{self.stderr()[-4000:]}"


def spawn(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> Program:
    """Start a program without waiting for it. The caller closes it."""
    # The file lives as long as the Program, which closes it.
    stderr = tempfile.NamedTemporaryFile("w", prefix="stderr-", suffix=".log")  # noqa: SIM115
    process = subprocess.Popen(
        argv,
        cwd=ROOT,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    return Program(argv, process, stderr)


def start(argv: Sequence[str], *, env: Mapping[str, str] | None = None, seconds: float = 60) -> Program:
    """Start a program of this project and wait for its ready line. The caller closes it."""
    program = spawn(argv, env=env)
    try:
        program.wait_ready(seconds)
    except BaseException:
        program.close()
        raise
    return program


@contextmanager
def running(argv: Sequence[str], *, env: Mapping[str, str] | None = None, seconds: float = 60) -> Iterator[Program]:
    """`start` for the length of a block; the program is killed when the block ends."""
    program = start(argv, env=env, seconds=seconds)
    try:
        yield program
    finally:
        program.close()


def run(argv: Sequence[str], *, env: Mapping[str, str] | None = None, seconds: float = 120, code: int = 0) -> str:
    """Run a program to its end and return its stdout; ProcessError unless it ends with this exit code."""
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode != code:
        said = f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        raise ProcessError(f"{' '.join(argv)} ended with {done.returncode}, not {code}\n{said}")
    return done.stdout


def run_json(argv: Sequence[str], *, env: Mapping[str, str] | None = None, seconds: float = 120) -> dict[str, Any]:
    """`run` a command that prints one JSON object as its last line."""
    lines = run(argv, env=env, seconds=seconds).splitlines()
    found = _json_object(lines[-1] if lines else "")
    if not found:
        raise ProcessError(f"{' '.join(argv)} printed no JSON object as its last line: {lines[-1:]}")
    return found


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The test's environment, with this checkout's packages importable from any folder, and compiled only once."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **(extra or {})}


def free_port() -> int:
    """A loopback port that was free a moment ago, for foreign programs that cannot be told port 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _json_object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

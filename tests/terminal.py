"""A command on a terminal of its own: what a person sees there, and types, Ctrl-C included."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.processes import ROOT, TLOG, environment

CTRL_C = b"\x03"
# As a shell does: Ctrl-C counts there, also where the tests run in the background, which ignores it.
_TAKE_TERMINAL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """The side of the person."""

    def __init__(self, process: subprocess.Popen[bytes], handle: int) -> None:
        self._process = process
        self._handle = handle
        self.seen = ""

    def type(self, keys: bytes) -> None:
        os.write(self._handle, keys)

    def read_until(self, text: str, seconds: float = 30) -> None:
        """Read until the screen shows a text; AssertionError if it does not in time."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert self._read(deadline), f"no {text!r} in {self.seen!r}"

    def end(self, seconds: float = 30) -> int:
        """Read what is shown until the command ends, and return its exit code; AssertionError if it does not."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        try:
            return self._process.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on: {self.seen!r}") from None

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._handle], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._handle, 65536) if ready else b""
        except OSError:  # EIO: nobody has the other side open any more
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


@contextmanager
def on_a_terminal(*arguments: object, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """Run `tlog` with arguments on a new pseudo-terminal; killed at the end."""
    person, program = pty.openpty()
    command = [sys.executable, "-c", _TAKE_TERMINAL, *TLOG, *map(str, arguments)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(env),
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
    )
    os.close(program)
    try:
        yield Terminal(process, person)
    finally:
        process.kill()
        process.wait()
        os.close(person)

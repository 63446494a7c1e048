"""A serving process whose clock is ahead, and that kills itself at a step of the first expiry.

`python -m tests.chaos.expiries DIR [STEP]` is `tlog serve DIR` with periods of a month and a clock two months ahead.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from tests.processes import Program, spawn, start
from tlog.cli.config import Listen
from tlog.cli.data_folder import DataFolder, exclusive, open_folder
from tlog.cli.output import emit, run
from tlog.cli.server import Address, serve_log
from tlog.formats.policy import Policy
from tlog.service.log_parts import now_us
from tlog.service.retention_rules import RetentionClass
from tlog.storage.act_store import ActKind, ActState, ActStore

STEPS = (
    "counted",
    "moved",
    "recorded",
    "destroyed",
    "shrunk",
    "applied",
    "forgotten",
    "scrubbed",
    "logged",
    "done",
)
AHEAD = 65 * 86_400 * 1_000_000


def later() -> int:
    """The time in two months."""
    return now_us() + AHEAD


def serve_until(folder: Path, step: str) -> None:
    """Serve a folder, without its witnesses (whose clocks are right), and end by SIGKILL at a step."""

    def at(name: str) -> None:
        if name == step:
            os.kill(os.getpid(), signal.SIGKILL)

    kept = {"standard": RetentionClass("standard", 1, "a test")}
    with exclusive(DataFolder(folder)), open_folder(folder) as opened:
        alone = Policy(opened.parts.policy.logs, (), (), b"none")
        settings = replace(opened.parts.settings, sealing_processes=0)
        parts = replace(opened.parts, step=at, now=later, retention=kept, policy=alone, settings=settings)
        serve_log(parts, Listen("127.0.0.1", 0), _ready)


def _ready(address: Address) -> None:
    emit({"event": "ready", "url": address.url, "port": address.port}, "", as_json=True)


def serve(folder: Path) -> Program:
    """Start a process that lives on; it is ready on return."""
    return start(_command(folder, "none"))


def serve_killed_at(folder: Path, step: str) -> None:
    """Start a process and require that it ended by SIGKILL, which it gives itself at that step and nowhere else.

    The expiry is begun as the log starts, so that may be before or after it says that it is ready.
    """
    program = spawn(_command(folder, step))
    try:
        assert program.process.wait(60) == -signal.SIGKILL, program.stderr()[-3000:]
    finally:
        program.close()


def _command(folder: Path, step: str) -> list[str]:
    return [sys.executable, "-m", "tests.chaos.expiries", str(folder), step]


def wait_until_done(folder: Path) -> None:
    """Return once the acts of expiry of a served folder, at least one, are done."""
    deadline = time.monotonic() + 60
    while True:
        with open_folder(folder) as opened:
            acts = ActStore(opened.parts.database).newest(ActKind.EXPIRY, 10)
        if acts and all(act.state is ActState.DONE for act in acts):
            return
        assert time.monotonic() < deadline, acts
        time.sleep(0.1)


if __name__ == "__main__":
    run(lambda: serve_until(Path(sys.argv[1]), sys.argv[2]))

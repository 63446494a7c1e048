"""A serving process whose clock is ahead, and that kills itself at a step of the first expiry.

`python -m tests.chaos.expiries DIR [STEP]` is `tlog serve DIR` with periods of a month and a clock two months ahead.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from tests.processes import Program, start
from tlog.cli.config import Listen
from tlog.cli.data_folder import DataFolder, exclusive, open_folder
from tlog.cli.output import emit, run
from tlog.cli.server import Address, serve_log
from tlog.formats.policy import Policy
from tlog.service.log import now_us
from tlog.service.retention_rules import RetentionClass

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


def serve(folder: Path, step: str = "none") -> Program:
    """Start the process."""
    return start([sys.executable, "-m", "tests.chaos.expiries", str(folder), step])


if __name__ == "__main__":
    run(lambda: serve_until(Path(sys.argv[1]), sys.argv[2]))

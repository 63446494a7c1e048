"""Tessera's `hammer` writes to `POST /add` of a plain log while its readers check every step."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.interop import tools
from tests.interop.served_log import ServedLog, init_log, serving
from tests.processes import environment

LEAVES = 5_000

pytestmark = [pytest.mark.interop, pytest.mark.processes, pytest.mark.timeout(1800)]


def test_hammer_reaches_its_goal(tmp_path: Path) -> None:
    hammer = tools.path_of(tools.HAMMER)
    init_log(tmp_path / "log", "interop.example/hammer", ["--raw-leaves"])
    with serving(tmp_path / "log") as log:
        # The hammer reads a checkpoint before it writes its first leaf.
        start = int(log.wait_published(0, seconds=60).split(b"\n")[1])
        said = _hammer(hammer, log)
        assert f"Reached tree size goal of {start + LEAVES}" in said, said
        # A reader that finds a tile missing or a checkpoint inconsistent warns, or ends the whole program.
        assert not _complaints(said), _complaints(said)


def test_the_hammer_complains_of_a_refused_write(tmp_path: Path) -> None:
    """What `_complaints` looks for is what a hammer says when something is wrong."""
    hammer = tools.path_of(tools.HAMMER)
    init_log(tmp_path / "log", "interop.example/hammer", ["--raw-leaves"])
    with serving(tmp_path / "log") as log:
        log.wait_published(0, seconds=60)
        done = _run(hammer, log, "not-the-token", "5s")
        assert done.returncode == 1, done.stderr
        assert any("was not OK. Status code: 401" in line for line in _complaints(done.stderr)), done.stderr


def _hammer(program: str, log: ServedLog) -> str:
    done = _run(program, log, log.token, "5m")
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stderr


def _run(program: str, log: ServedLog, token: str, at_most: str) -> subprocess.CompletedProcess[str]:
    argv = [
        program,
        "--show_ui=false",
        "-v=1",
        f"--log_url={log.url}/",
        f"--log_public_key={log.vkey}",
        f"--bearer_token_write={token}",
        "--num_writers=64",
        "--max_write_ops=1000",
        "--num_readers_random=4",
        "--num_readers_full=4",
        "--max_read_ops=100",
        f"--leaf_write_goal={LEAVES}",
        f"--max_runtime={at_most}",
    ]
    return subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False, timeout=600)


def _complaints(said: str) -> list[str]:
    """Lines logged as warning, error or fatal.

    But for the log's own push-back, and for requests that the hammer itself gave up when it had reached its goal.
    """
    lines = (line for line in said.splitlines() if re.match(r"[WEF]\d{4} ", line))
    return [line for line in lines if not re.search("received pushback from log|context canceled", line)]

"""Commands of backup and restore, killed in the middle; and what must be true of what they leave."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.processes import TLOG, run, run_json, spawn


def backup_command(log: Path, base: Path) -> list[str]:
    return [*TLOG, "backup", str(log), "--entries-to", str(base / "a"), "--keyring-to", str(base / "b"), "--json"]


def restore_command(log: Path, made: dict[str, Any], to: Path) -> list[str]:
    folders = ["--entries", made["entries"], "--keyring", made["keyring"], "--keys", str(log / "keys")]
    return [
        *TLOG,
        "restore",
        *folders,
        "--erasures",
        str(log / "erasures"),
        "--no-later-erasures",
        "--to",
        str(to),
        "--json",
    ]


def kill_in_the_middle(command: list[str], begun: Callable[[], bool]) -> None:
    """Start a command and kill it once `begun` says that it has written something; AssertionError if it was quicker."""
    program = spawn(command)
    try:
        deadline = time.monotonic() + 60
        while program.alive() and not begun():
            assert time.monotonic() < deadline, program.stderr()
            time.sleep(0.001)
        program.kill()
        assert program.process.returncode == -signal.SIGKILL, f"it ended by itself: {program.stderr()}"
    finally:
        program.close()


def require_whole_or_refused(log: Path, made: dict[str, Any], whole: bool, base: Path) -> None:
    """A backup with a manifest is restored from; one without is refused with the reason, and nothing is made."""
    to = base / "restored"
    if whole:
        run(restore_command(log, made, to))
        shutil.rmtree(to)
        return
    program = spawn(restore_command(log, made, to))
    try:
        assert program.process.wait(60) == 1
        said = json.loads(program.stderr().splitlines()[-1])["error"]
        assert "never finished" in said or "is no backup" in said
        assert not to.exists()
    finally:
        program.close()


def require_served_or_refused(log: Path, made: dict[str, Any], to: Path) -> None:
    """A restored folder is whole, or is refused by `tlog serve`; removed, the same restore makes a whole one."""
    if (to / "tlog.toml").exists():
        assert run_json([*TLOG, "fsck", str(to), "--json"])["ok"] is True
        return
    if to.exists():
        program = spawn([*TLOG, "serve", str(to), "--port", "0"])
        try:
            assert program.process.wait(60) == 1
            assert "did not finish" in program.stderr() or "no complete data folder" in program.stderr()
        finally:
            program.close()
        shutil.rmtree(to)
    run(restore_command(log, made, to))

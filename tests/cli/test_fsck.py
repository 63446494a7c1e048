"""What `tlog fsck` says of a log with more faults than it lists."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.command import Command
from tests.cli.test_backup import fill
from tlog.service.fsck.report import MAX_PROBLEMS


def test_it_says_that_only_the_first_problems_are_shown(tlog: Command, log: Path) -> None:
    fill(log, 150)
    with closing(sqlite3.connect(log / "log.db")) as database:
        database.execute("UPDATE entries SET core = zeroblob(length(core))")
        database.commit()
    found = tlog("fsck", log, code=1)
    count = int(found.err.split()[1])
    assert count > MAX_PROBLEMS
    lines = found.err.splitlines()
    assert lines[0] == f"tlog: {count} problems; first {MAX_PROBLEMS} of {count} shown"
    assert len(lines) == 1 + MAX_PROBLEMS

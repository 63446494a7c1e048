"""`python -m tests.accept.wrong_clock SECONDS COMMAND…`: the program `tlog`, whose log's clock is wrong by so much."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

from tlog.cli.main import main
from tlog.service import log_parts


def move(seconds: int) -> None:
    """Have the log's one clock, `now_us`, read another time; its witnesses are other processes."""
    clock = SimpleNamespace(time_ns=lambda: time.time_ns() + seconds * 10**9)
    setattr(log_parts, "time", clock)  # noqa: B010 - it is a module that it imported


if __name__ == "__main__":
    move(int(sys.argv[1]))
    sys.argv = ["tlog", *sys.argv[2:]]
    main()

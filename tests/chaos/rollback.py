"""Put an older database back, as a careless restore would."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path

from tests.processes import Program
from tests.support import entry_document
from tests.town import Town


def lines(count: int) -> bytes:
    return "\n".join(json.dumps(entry_document()) for _ in range(count)).encode()


def copy_database(place: Town, to: Path) -> None:
    with sqlite3.connect(place.log_folder / "log.db") as source, sqlite3.connect(to) as copy:
        source.backup(copy)
    source.close()
    copy.close()


def put_back(place: Town, copy: Path) -> None:
    for name in ("log.db-wal", "log.db-shm"):
        (place.log_folder / name).unlink(missing_ok=True)
    shutil.copy(copy, place.log_folder / "log.db")


def require_halted(program: Program, place: Town) -> None:
    deadline = time.monotonic() + 30
    while (answer := place.get("/readyz"))[0] != 503 or b"rolled back" not in answer[1]:
        assert time.monotonic() < deadline, (answer, program.stderr())
        time.sleep(0.05)
    assert "rolled back" in program.stderr()

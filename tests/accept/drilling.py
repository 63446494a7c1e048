"""What auditors are promised about a regulator who calls: records of three months ago, found and proved in seconds."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

from bench import sealed_log
from tests.accept.promises import shows
from tests.processes import TLOG, run
from tests.town import Town, town

ENTRIES = 3_000
RECORDS = 20
MISSED = 3


@shows("drill-finds-records")
def drill_finds_records(folder: Path) -> str:
    """Fill a town's log with a year of entries, drill it, then again without one row, and with a limit of nothing."""
    with town(folder) as place:
        assert place.log.stop() == 0
        sealed_log.build(place.log_folder, ENTRIES)
        place.restart_log()
        wait_published(place, ENTRIES)
        token = token_file(folder, place)
        passed = drill(place, token, 0)
        assert (passed["missed"], passed["missing"], len(passed["records"])) == (0, 0, RECORDS)
        assert place.get(f"/v1/entries/{passed['index']}", place.auditor)[0] == 200, "the result is an entry"
        hopeless = drill(place, token, MISSED, "--limit", "0.000001")
        assert hopeless["missed"] == RECORDS
        gone = remove_one(place, passed)
        missed = drill(place, token, MISSED, "--records", "1")
        assert (missed["ok"], missed["first_missing"]) == (False, [gone])
    slowest = max(record["total_ms"] for record in passed["records"])
    days = f"{passed['from_day']} to {passed['to_day']}"
    return (
        f"{RECORDS} records of {ENTRIES} over a year, received {days}, the slowest in {slowest:.0f} ms; "
        f"a removed row is named, exit {MISSED}"
    )


def wait_published(place: Town, size: int, seconds: float = 60) -> None:
    """Return when all that was built is under a witnessed checkpoint."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if place.published_size() >= size:
            return
        time.sleep(0.05)
    raise AssertionError(f"only {place.published_size()} of {size} are published: {place.log.stderr()[-2000:]}")


def token_file(folder: Path, place: Town) -> Path:
    """Return a file with the auditor's token."""
    token = folder / "auditor.token"
    token.touch(mode=0o600)
    token.write_text(place.auditor)
    return token


def drill(place: Town, token: Path, code: int, *more: str) -> dict[str, Any]:
    """Run `tlog drill` and return what it says, if it ends with this exit code."""
    options = [] if "--records" in more else ["--records", str(RECORDS)]
    where = ["--url", place.log.url, "--token-file", str(token), "--policy", str(place.log_folder / "policy.txt")]
    said: dict[str, Any] = json.loads(run([*TLOG, "drill", *where, "--json", *options, *more], code=code))
    return said


def remove_one(place: Town, passed: dict[str, Any]) -> int:
    """Remove a row of the window behind the log's back, and return its index."""
    index = int(passed["first"] + passed["last"]) // 2
    database = sqlite3.connect(place.log_folder / "log.db", timeout=10)
    with database:
        database.execute("DELETE FROM entries WHERE log_index = ?", (index,))
    database.close()
    return index

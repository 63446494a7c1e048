"""When an entry was logged: the witnesses' word, and not that of the log's clock."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path

from tests.accept.evidence import verified
from tests.accept.promises import shows
from tests.processes import TLOG, run, start
from tests.support import entry_document
from tests.town import Town, log_command, town

HOUR = 3600
INTERVAL = 1.0
"""Seconds between two checkpoints."""
TOLERANCE = INTERVAL + 1
"""Witnesses' times are whole seconds."""


@shows("time-bracket-without-our-clock")
def time_bracket_without_our_clock(folder: Path) -> str:
    """Serve a log whose clock is an hour ahead, then one an hour behind; its two witnesses know the time."""
    ahead = bracket(folder / "ahead", HOUR)
    behind = bracket(folder / "behind", -HOUR)
    return f"clock an hour ahead: {ahead}; an hour behind: {behind}"


def bracket(folder: Path, wrong: int) -> str:
    """Append under the wrong clock; the evidence's interval is about the true time."""
    folder.mkdir()
    with town(folder, 2, 2, checkpoint_interval=INTERVAL) as place:
        place.log.stop()
        command = [
            sys.executable,
            "-m",
            "tests.accept.wrong_clock",
            str(wrong),
            *log_command(place.log_folder)[len(TLOG) :],
        ]
        place.log = start(command)
        place.append(line(), "?wait=witnessed")
        began = time.time()
        [entry] = place.append(line(), "?wait=witnessed")
        ended = time.time()
        return judged(place, int(str(entry["index"])), wrong, (began, ended))


def judged(place: Town, index: int, wrong: int, true: tuple[float, float]) -> str:
    """Verify the evidence with the policy alone, and compare its interval with the true one."""
    case, token = place.folder / "case.json", place.folder / "token"
    token.touch(0o600)
    token.write_text(place.auditor)
    run([*TLOG, "evidence", str(index), "-o", str(case), "--url", place.log.url, "--token-file", str(token)])
    [entry] = json.loads(verified(case, place.log_folder / "policy.txt").stdout)["entries"]
    after, before = seconds(entry["logged_after"]), seconds(entry["logged_before"])
    received = seconds(entry["fields"]["received_at"])
    began, ended = true
    assert abs(received - began - wrong) < 60, "the log's clock is wrong"
    assert began - TOLERANCE <= after <= ended, (began - after, ended)
    assert began - 1 <= before <= ended + TOLERANCE, (before - began, ended)
    return (
        f"received_at {received - began:+.0f} s, logged {after - began:+.1f} to {before - began:+.1f} s of the append"
    )


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def line() -> bytes:
    return json.dumps(entry_document()).encode()

"""kill -9 in the middle of an expiry, of a backup and of a restore. That of an erasure is in `forgetting`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.accept.promises import shows
from tests.chaos import expiries
from tests.chaos.backups import (
    backup_command,
    kill_in_the_middle,
    require_served_or_refused,
    require_whole_or_refused,
    restore_command,
)
from tests.chaos.erasures import body_of, documents, dpo_token, found_in, secrets_of
from tests.interop.served_log import request
from tests.processes import TLOG, run_json
from tests.town import town

ENTRIES = 12
STEPS = ("recorded", "shrunk")


@shows("kill-spoils-nothing")
def kill_spoils_nothing(folder: Path) -> str:
    """Kill an expiry before and after its point of no return, then a backup and a restore that have begun to write."""
    for step in STEPS:
        expiry_killed_at(folder / step, step)
    with town(folder / "log", witnesses=0, quorum=None, sealing_processes=0) as place:
        place.append(body_of(documents(ENTRIES)))
        place.log.stop()
        made = backup_killed(place.log_folder, folder)
        restore_killed(place.log_folder, made, folder / "restored")
    return f"expiry killed at {', '.join(STEPS)}: finished; backup and restore killed: refused, whole when done again"


def expiry_killed_at(folder: Path, step: str) -> None:
    """Kill an expiry at a step: the next start finishes it, and nothing is left of what expired."""
    with town(folder, witnesses=0, quorum=None, sealing_processes=0) as place:
        place.append(body_of(documents(ENTRIES)))
        officer, secrets = dpo_token(place.log_folder), secrets_of(place.log_folder)
        place.log.stop()
        expiries.serve_killed_at(place.log_folder, step)
        again = expiries.serve(place.log_folder)
        try:
            expiries.wait_until_done(place.log_folder)
            headers = {"Authorization": f"Bearer {officer}"}
            for index in (0, ENTRIES - 1):
                assert request("GET", f"{again.url}/v1/entries/{index}", headers=headers)[0] == 410
            assert found_in(place.log_folder, secrets) == []
        finally:
            again.stop()
            again.close()
        assert run_json([*TLOG, "fsck", str(place.log_folder), "--json"])["ok"] is True


def backup_killed(log: Path, base: Path) -> dict[str, Any]:
    """Kill a backup: what is left is refused. Returns what the next one, which is whole, says of itself."""
    kill_in_the_middle(backup_command(log, base), lambda: any(base.glob("a/*/unfinished.json")))
    [left] = (base / "a").iterdir()
    assert not (left / "manifest.json").exists(), "it was finished before it was killed"
    made = run_json(backup_command(log, base))
    require_whole_or_refused(log, {**made, "entries": str(left)}, whole=False, base=base)
    return made


def restore_killed(log: Path, made: dict[str, Any], to: Path) -> None:
    """Kill a restore: the folder is refused; removed, the same command makes a whole one."""
    kill_in_the_middle(restore_command(log, made, to), to.exists)
    assert not (to / "tlog.toml").exists(), "it was finished before it was killed"
    require_served_or_refused(log, made, to)
    report = run_json([*TLOG, "fsck", str(to), "--json"])
    assert (report["ok"], report["size"]) == (True, ENTRIES)

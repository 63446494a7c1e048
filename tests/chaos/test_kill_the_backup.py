"""Backups of a log under load, and kill -9 of backups and restores: whole, or refused and done again."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest

from tests.chaos.backups import (
    backup_command,
    require_served_or_refused,
    require_whole_or_refused,
    restore_command,
)
from tests.chaos.kills import Client, threads, wait_until_witnessed
from tests.chaos.rollback import lines, require_halted
from tests.processes import TLOG, run, run_json, spawn, start
from tests.town import Town, log_command, town
from tlog.client.verifier import OfflineVerifier

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]
SEED = 20261123
KILLS = 20


def serve_restored(place: Town, to: Path) -> None:
    """Let the restored folder take the place of the log, at its address."""
    port = place.log.ready["port"]
    place.log.close()
    shutil.rmtree(place.log_folder)
    to.rename(place.log_folder)
    place.log = start(log_command(place.log_folder, port))


def test_a_backup_under_load_holds_everything_acknowledged_before(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        stop, numbers = threading.Event(), count()
        clients = [Client(place, numbers, stop) for _ in range(2)]
        with threads(*(client.run for client in clients)):
            try:
                time.sleep(1)
                before = {entry: index for client in clients for entry, index in dict(client.acknowledged).items()}
                made = run_json(backup_command(place.log_folder, tmp_path))
                time.sleep(0.3)
            finally:
                stop.set()
        assert [wrong for client in clients for wrong in client.wrong] == []
        after = max(index for client in clients for index in client.acknowledged.values()) + 1
        assert len(before) > 10
        assert max(before.values()) < made["size"] < after, "it was taken in the middle"
        wait_until_witnessed(place, after)
        policy = place.policy
        place.log.stop()
        said = run_json(restore_command(place.log_folder, made, tmp_path / "r"))
        assert said["size"] == made["size"]
        report = run_json([*TLOG, "fsck", str(tmp_path / "r"), "--json"])
        assert (report["ok"], report["entries_opened"]) == (True, made["size"])
        serve_restored(place, tmp_path / "r")
        require_halted(place.log, place)
        status, answer = place.post(lines(1))
        assert (status, b"rolled back" in answer) == (503, True), "the witnesses know more than the backup"
        require_stored(place.log_folder, before)
        for index in random.Random(SEED).sample(sorted(before.values()), 5):
            if index < place.published_size():
                status, proof = place.get(f"/v1/entries/{index}/proof")
                assert status == 200
                OfflineVerifier(policy).verify(proof)


def require_stored(folder: Path, before: dict[str, int]) -> None:
    """Each entry is where it was acknowledged. Not asked of the log: a halted one can't log that it was read."""
    with closing(sqlite3.connect(f"{(folder / 'log.db').as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT entry_id, log_index FROM entries WHERE entry_id IS NOT NULL").fetchall()
    stored = {str(UUID(bytes=entry_id)): index for entry_id, index in rows}
    assert {entry_id: stored.get(entry_id) for entry_id in before} == before


def test_a_backup_of_everything_goes_on_where_it_was(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        place.append(lines(50), "?wait=witnessed")
        made = run_json(backup_command(place.log_folder, tmp_path))
        place.log.stop()
        run_json(restore_command(place.log_folder, made, tmp_path / "r"))
        serve_restored(place, tmp_path / "r")
        assert place.append(lines(1), "?wait=witnessed")[0]["index"] == 50


def killed_at_random(commands: Sequence[list[str]], moments: random.Random, longest: float) -> int:
    """Start each command, kill it at a random moment, and return how many were killed before their end."""
    killed = 0
    for command in commands:
        program = spawn(command)
        time.sleep(moments.uniform(0.2 * longest, 1.05 * longest))
        killed += program.alive()
        program.close()
    return killed


def test_backups_and_restores_killed_at_random_moments(tmp_path: Path) -> None:
    """What is left is either whole, or refused with the reason; and the next run is as good as ever."""
    moments = random.Random(SEED)
    log = tmp_path / "log"
    run([*TLOG, "init", str(log), "--origin", "example.com/log"])
    began = time.monotonic()
    made = run_json(backup_command(log, tmp_path))
    longest = time.monotonic() - began
    assert killed_at_random([backup_command(log, tmp_path)] * (KILLS // 2), moments, longest) > 0
    for folder in sorted((tmp_path / "a").iterdir()):
        require_whole_or_refused(log, {**made, "entries": str(folder)}, (folder / "manifest.json").exists(), tmp_path)
    made = run_json(backup_command(log, tmp_path))
    targets = [tmp_path / f"r{number}" for number in range(KILLS // 2)]
    assert killed_at_random([restore_command(log, made, to) for to in targets], moments, longest) > 0
    for to in targets:
        require_served_or_refused(log, made, to)

"""The log's database is replaced by yesterday's copy: the witnesses know more, so it stops and says why."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from tests.processes import WITNESS, Program, run
from tests.support import entry_document
from tests.town import Town, town

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


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


def test_yesterdays_database_stops_appends_and_signatures(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        place.append(lines(20), "?wait=witnessed")
        copy_database(place, tmp_path / "yesterday.db")
        place.append(lines(30), "?wait=witnessed")
        place.log.kill()
        put_back(place, tmp_path / "yesterday.db")
        place.restart_log()
        require_halted(place.log, place)
        status, answer = place.post(lines(1))
        assert status == 503
        assert b"rolled back" in answer
        assert b"50 leaves" in answer
        assert place.published_size() == 20, "reads go on with what the database knows"
        status, proof = place.get("/v1/entries/7/proof")
        assert status == 200
        assert proof.startswith(b"c2sp.org/tlog-proof@v1\n")


def test_the_right_database_put_back_goes_on(tmp_path: Path) -> None:
    with town(tmp_path) as place:
        place.append(lines(20), "?wait=witnessed")
        copy_database(place, tmp_path / "yesterday.db")
        place.append(lines(30), "?wait=witnessed")
        place.log.stop()
        copy_database(place, tmp_path / "today.db")
        put_back(place, tmp_path / "yesterday.db")
        place.restart_log()
        require_halted(place.log, place)
        place.log.stop()
        put_back(place, tmp_path / "today.db")
        place.restart_log()
        assert place.append(lines(1), "?wait=witnessed")[0]["index"] == 50


def test_a_witness_without_its_database_does_not_start(tmp_path: Path) -> None:
    run([*WITNESS, "init", str(tmp_path / "w"), "--name", "w.example"])
    (tmp_path / "w" / "witness.sqlite3").unlink()
    run([*WITNESS, "serve", str(tmp_path / "w"), "--port", "0"], code=1)
    assert not (tmp_path / "w" / "witness.sqlite3").exists()

"""The log's database is replaced by yesterday's copy: the witnesses know more, so it stops and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.rollback import copy_database, lines, put_back, require_halted
from tests.processes import WITNESS, run
from tests.town import town

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]


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

"""kill -9 at every step of an erasure: started again it is finished, logged once, and nothing of it is in any file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.erasures import (
    STEPS,
    SUBJECT,
    body_of,
    documents,
    dpo_token,
    erase,
    found_in,
    secrets_of,
    serve_killed_at,
    wait_until_done,
)
from tests.processes import TLOG, run_json, start
from tests.town import Town, log_command, town
from tlog.cli.data_folder import open_folder

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

ENTRIES = 30


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path, witnesses=1, quorum=1, sealing_processes=1) as place:
        yield place


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_killed_at_any_step_is_finished_by_the_next_start(place: Town, step: str) -> None:
    token = dpo_token(place.log_folder)
    indices = [int(str(stored["index"])) for stored in place.append(body_of(documents(ENTRIES)), "?wait=witnessed")]
    killed = serve_killed_at(place, step)
    secrets = secrets_of(place.log_folder)
    assert found_in(place.log_folder, secrets), "nothing to look for"
    assert erase(killed.url, token) is None
    assert killed.process.wait(20) == -9
    killed.close()
    place.log.close()
    place.log = start(log_command(place.log_folder))
    act = wait_until_done(place, token)
    assert act["entries"] == ENTRIES
    assert act["parts"] == 2 * ENTRIES
    own = [index for index in range(max(indices) + 1, act["index"] + 1) if is_erasure(place, index, token)]
    assert own == [act["index"]], "logged more or less than once"
    assert [path.name for path in (place.log_folder / "erasures").iterdir()] == [f"{act['act']}.json"]
    for index in (indices[0], indices[1], indices[-1]):
        status, answer = place.get(f"/v1/entries/{index}", token)
        assert status == 200, answer
        assert {found["index"] for found in json.loads(answer)["erasures"]} == {act["index"]}
    assert found_in(place.log_folder, secrets) == []  # while it runs, write-ahead log included
    assert place.append(body_of(documents(1)))[0]["duplicate"] is False
    place.log.stop()
    with open_folder(place.log_folder) as opened:
        assert opened.parts.keyring.find_person("subject", SUBJECT) is not None  # a new one, of the last append
    report = run_json([*TLOG, "fsck", str(place.log_folder), "--json"])
    assert report["ok"] is True, report


def is_erasure(place: Town, index: int, token: str) -> bool:
    status, answer = place.get(f"/v1/entries/{index}", token)
    return status == 200 and json.loads(answer)["entry"]["action"] == "tlog.erasure"

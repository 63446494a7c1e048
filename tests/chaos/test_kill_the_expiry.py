"""kill -9 at every step of an expiry: started again it is finished, logged once, and nothing of it is in any file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.erasures import SUBJECT, body_of, documents, dpo_token, found_in, secrets_of
from tests.chaos.expiries import STEPS, serve, serve_killed_at, wait_until_done
from tests.interop.served_log import request
from tests.processes import TLOG, Program, run_json
from tests.support import entry_document
from tests.town import Town, town
from tlog.cli.data_folder import open_folder
from tlog.storage.act_store import ActKind, ActState, ActStore

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

ENTRIES, HELD = 30, "other"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path, witnesses=0, quorum=None, sealing_processes=0) as place:
        yield place


def ask(program: Program, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    status, answer = request(method, program.url + path, data, headers)
    return status, json.loads(answer)


@pytest.mark.parametrize("step", STEPS)
def test_an_expiry_killed_at_any_step_is_finished_by_the_next_start(place: Town, step: str) -> None:
    token = dpo_token(place.log_folder)
    place.append(body_of(documents(ENTRIES)))
    [held] = place.append(json.dumps(entry_document(subjects=[{"id": "held-person"}])).encode())
    hold = {"kind": "legal-hold", "case": "C-1", "subject": "held-person", "reason": "claim", "authorised_by": "Dana"}
    status, answer = ask(place.log, "POST", "/v1/holds", token, hold)
    assert status in {200, 201}, answer
    secrets = secrets_of(place.log_folder)
    assert found_in(place.log_folder, secrets), "nothing to look for"
    place.log.stop()
    serve_killed_at(place.log_folder, step)
    again = serve(place.log_folder)
    try:
        wait_until_done(place.log_folder)
        status, answer = ask(again, "GET", f"/v1/entries/{held['index']}", token)
        assert status == 200, answer
        assert answer["entry"]["subjects"][0]["id"] == "held-person"
        for index in (0, ENTRIES - 1):
            assert ask(again, "GET", f"/v1/entries/{index}", token)[0] == 410
        assert found_in(place.log_folder, secrets) == []  # while it runs, write-ahead log included
        found = ask(again, "POST", "/v1/entries/search", token, {"action": "tlog.expiry"})[1]["entries"]
        assert len(found) == 1, "logged more or less than once"
    finally:
        again.stop()
        again.close()
    with open_folder(place.log_folder) as opened:
        [act] = ActStore(opened.parts.database).newest(ActKind.EXPIRY, 10)
        assert (act.state, act.payload) == (ActState.DONE, None)
        assert act.entries == ENTRIES + 1  # and the entry that says there is a hold
        assert opened.parts.keyring.find_person("subject", SUBJECT) is None
        assert opened.parts.keyring.cohort_keys([act.cohort or ""]) == {}
    assert len(list((place.log_folder / "erasures").glob("*.json"))) == 1
    report = run_json([*TLOG, "fsck", str(place.log_folder), "--json"])
    assert report["ok"] is True, report

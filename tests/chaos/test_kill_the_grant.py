"""kill -9 at every step of a grant, its refusal and a revocation: started again, each is whole, or was not begun.

A secret is told in one answer only. Whoever got none finds in the lists of acts and tokens how it ended.
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.erasures import serve_killed_at
from tests.interop.served_log import request
from tests.processes import start
from tests.town import Town, log_command, town
from tlog.cli.data_folder import open_folder, open_log_database
from tlog.service.fsck.run import fsck
from tlog.service.log_parts import now_us
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

ASKED = {"name": "jane", "roles": ["auditor"]}
SECRET = re.compile(rb"tlog_[A-Za-z0-9_-]{43}")


class Office:
    """Two admins and a data protection officer of a town, and what they ask of its log."""

    def __init__(self, place: Town) -> None:
        self.place = place
        with open_log_database(place.log_folder) as database:
            tokens = TokenStore(database, now_us)
            issued = {
                name: tokens.issue(token_for(role, name))[1]
                for name, role in (("otto", Role.ADMIN), ("ida", Role.ADMIN), ("dana", Role.DPO))
            }
        self.texts = issued

    def ask(self, who: str, method: str, path: str, body: Any = None, url: str | None = None) -> dict[str, Any] | None:
        """Return an answer, or None where the log died meanwhile."""
        headers = {"Authorization": f"Bearer {self.texts[who]}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            status, answer = request(method, (url or self.place.log.url) + path, data, headers)
        except (OSError, HTTPException):
            return None
        assert status in {200, 201, 202}, answer
        assert (method, path) == ("POST", "/v1/tokens") or not SECRET.search(answer), "a secret is told again"
        said: dict[str, Any] = json.loads(answer)
        return said

    def told(self, who: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """`ask`, of a log that lives."""
        said = self.ask(who, method, path, body)
        assert said is not None, self.place.log.stderr()[-3000:]
        return said

    @contextmanager
    def killed_at(self, step: str) -> Iterator[str]:
        """Serve until a step that what the block asks leads to; the log is started again afterwards."""
        killed = serve_killed_at(self.place, step)
        try:
            yield killed.url
            assert killed.process.wait(20) == -signal.SIGKILL
        finally:
            killed.close()
        self.place.log.close()
        self.place.log = start(log_command(self.place.log_folder))

    def act(self) -> dict[str, Any]:
        """Return the only grant, as its asker sees it, once nothing is under way."""
        deadline = time.monotonic() + 30
        while True:
            [act] = self.told("otto", "GET", "/v1/acts?kind=grant")["acts"]
            if act["state"] not in {"begun", "applied"}:
                return dict(act)
            assert time.monotonic() < deadline, self.place.log.stderr()[-3000:]
            time.sleep(0.02)

    def janes(self) -> list[dict[str, Any]]:
        """Return the credentials that were granted, as their asker sees them."""
        return [token for token in self.told("otto", "GET", "/v1/tokens")["tokens"] if token["name"] == "jane"]

    def logged(self, action: str) -> list[dict[str, Any]]:
        """Return the entries of this action, and of none that begins like it."""
        found = self.told("dana", "POST", "/v1/entries/search", {"action": action})["entries"]
        return [{"index": each["index"], **each["entry"]} for each in found if each["entry"]["action"] == action]

    def status_of(self, text: str) -> int:
        return self.place.get("/v1/sources", text)[0]


@pytest.fixture(params=[False])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """The parameter is whether a second admin must agree."""
    options: dict[str, Any] = {"witnesses": 0, "quorum": None, "sealing_processes": 0}
    with town(tmp_path, second_person=request.param, **options) as place:
        yield Office(place)


four_eyes = pytest.mark.parametrize("office", [True], indirect=True)


def require_issued_once(office: Office) -> dict[str, Any]:
    """Require that one credential is there, that its act is done, and that one entry says so; return it."""
    act, [jane], [entry] = office.act(), office.janes(), office.logged("tlog.grant")
    assert (act["state"], act["index"]) == ("done", entry["index"])
    assert (entry["outcome"], entry["actor"]["id"]) == ("allowed", "otto")
    assert (entry["details"]["token"], entry["details"]["act"]) == (jane["id"], act["act"])
    assert jane["revoked_at"] is None
    return jane


def require_whole(office: Office) -> None:
    """Require that the log is whole, and that no file of its folder holds what was told."""
    office.place.log.stop()
    with open_folder(office.place.log_folder) as opened:
        assert fsck(opened.parts, lambda *_: None).problems == []
    found = [path.name for path in office.place.log_folder.rglob("*") if path.is_file() if holds(path)]
    assert found == []


def holds(path: Path) -> bool:
    return SECRET.search(path.read_bytes()) is not None


@pytest.mark.parametrize("step", ["begun", "issued", "logged", "done"])
def test_a_grant_killed_at_any_step_is_finished_by_the_next_start(office: Office, step: str) -> None:
    with office.killed_at(step) as url:
        assert office.ask("otto", "POST", "/v1/tokens", ASKED, url) is None
    nobodys = require_issued_once(office)
    assert office.told("otto", "POST", f"/v1/tokens/{nobodys['id']}/revoke")["revoked_at"] is not None
    again = office.told("otto", "POST", "/v1/tokens", ASKED)
    assert office.status_of(again["token"]) == 200
    assert {jane["id"]: jane["revoked_at"] is None for jane in office.janes()} == {
        nobodys["id"]: False,
        again["id"]: True,
    }
    require_whole(office)


@four_eyes
def test_a_grant_killed_once_it_waits_can_be_taken_back_by_who_got_no_answer(office: Office) -> None:
    with office.killed_at("proposed") as url:
        assert office.ask("otto", "POST", "/v1/tokens", ASKED, url) is None
    act = office.act()
    assert (act["state"], act["said"]["by"], act["said"]["name"]) == ("pending", "otto", "jane")
    assert office.janes() == []
    office.told("otto", "POST", f"/v1/acts/{act['act']}/decline")
    assert (office.act()["state"], office.janes()) == ("declined", [])
    [entry] = office.logged("tlog.grant")
    assert (entry["outcome"], entry["index"]) == ("denied", office.act()["index"])


@four_eyes
@pytest.mark.parametrize("step", ["approved", "issued", "logged", "done"])
def test_an_approval_killed_at_any_step_is_finished_and_the_secret_told_before_is_good(
    office: Office, step: str
) -> None:
    asked = office.told("otto", "POST", "/v1/tokens", ASKED)
    assert office.status_of(asked["token"]) == 401
    with office.killed_at(step) as url:
        assert office.ask("ida", "POST", f"/v1/acts/{asked['act']['act']}/approve", url=url) is None
    jane = require_issued_once(office)
    assert jane["id"] == asked["id"]
    assert office.logged("tlog.grant")[0]["details"]["approved_by"] == "ida"
    [approval] = office.logged("tlog.act.approve")
    assert (approval["actor"]["id"], approval["outcome"]) == ("ida", "allowed")
    assert approval["details"] == {"act": office.act()["act"], "kind": "grant"}
    assert office.status_of(asked["token"]) == 200
    require_whole(office)


@four_eyes
def test_an_approval_that_was_logged_and_not_begun_is_asked_for_again(office: Office) -> None:
    asked = office.told("otto", "POST", "/v1/tokens", ASKED)
    act = asked["act"]["act"]
    with office.killed_at("decision logged") as url:
        assert office.ask("ida", "POST", f"/v1/acts/{act}/approve", url=url) is None
    [approval] = office.logged("tlog.act.approve")
    assert (approval["actor"]["id"], approval["details"]) == ("ida", {"act": act, "kind": "grant"})
    assert (office.act()["state"], office.janes(), office.status_of(asked["token"])) == ("pending", [], 401)
    office.told("ida", "POST", f"/v1/acts/{act}/approve")
    require_issued_once(office)
    assert [entry["actor"]["id"] for entry in office.logged("tlog.act.approve")] == ["ida", "ida"]
    assert office.status_of(asked["token"]) == 200
    require_whole(office)


@four_eyes
@pytest.mark.parametrize("step", ["decision logged", "logged", "done"])
def test_what_was_declined_when_the_log_was_killed_stays_declined(office: Office, step: str) -> None:
    asked = office.told("otto", "POST", "/v1/tokens", ASKED)
    act = asked["act"]["act"]
    with office.killed_at(step) as url:
        assert office.ask("ida", "POST", f"/v1/acts/{act}/decline", url=url) is None
    approval, ida = f"{office.place.log.url}/v1/acts/{act}/approve", {"Authorization": f"Bearer {office.texts['ida']}"}
    status, answer = request("POST", approval, None, ida)
    assert (status, json.loads(answer)["type"]) == (409, "urn:problem-type:tlog:conflict")
    [entry] = office.logged("tlog.grant")
    assert (entry["outcome"], entry["details"]["declined"]) == ("denied", True)
    assert (office.act()["state"], office.act()["index"]) == ("declined", entry["index"])
    [decision] = office.logged("tlog.act.decline")
    assert (decision["actor"]["id"], decision["outcome"], decision["details"]["act"]) == ("ida", "allowed", act)
    assert (office.janes(), office.status_of(asked["token"])) == ([], 401)
    require_whole(office)


@pytest.mark.parametrize("step", ["revocation logged", "revoked"])
def test_a_revocation_killed_at_any_step_is_finished_by_the_next_start(office: Office, step: str) -> None:
    asked = office.told("otto", "POST", "/v1/tokens", ASKED)
    with office.killed_at(step) as url:
        assert office.ask("otto", "POST", f"/v1/tokens/{asked['id']}/revoke", url=url) is None
    assert office.status_of(asked["token"]) == 401
    [jane] = office.janes()
    assert jane["revoked_at"] is not None
    [entry] = office.logged("tlog.token.revoke")
    assert (entry["details"]["token"], entry["actor"]["id"]) == (jane["id"], "otto")
    require_whole(office)

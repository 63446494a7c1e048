"""Erasures over HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.http.own_entries import stored_own
from tests.http.service import Answer, Service, serve
from tests.support import entry_document, running_log
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role

BODY = {"subject": "p-4711", "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}


@pytest.fixture
async def approving(tmp_path: Path) -> AsyncIterator[Service]:
    """A served log where a second person must approve."""
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=True)
    async with running_log(tmp_path / "log", settings=settings) as made, serve(made) as served:
        yield served


def dpo(service: Service, name: str = "dana") -> str:
    return service.made.token(name, Role.DPO)


async def erase(service: Service, token: str, **changed: Any) -> Answer:
    body = {name: value for name, value in (BODY | changed).items() if value is not None}
    return await service.ask("POST", "/v1/erasures", json.dumps(body).encode(), token, Content_Type="application/json")


async def test_an_erasure_is_shown_done_and_named_by_the_entry_it_was_in(service: Service) -> None:
    token = dpo(service)
    await service.append(entry_document())
    planned = (await erase(service, token, dry_run=True)).json()
    assert (planned["status"], planned["act"], planned["entries"], planned["parts"]) == ("dry-run", None, 1, 2)
    done = await erase(service, token)
    assert done.status == 200
    said = done.json()
    assert (said["status"], said["entries"], said["parts"]) == ("done", 1, 2), "that of the dry run names nobody"
    index = said["index"]
    assert said["first_received_at"] == planned["first_received_at"] == said["last_received_at"]
    entry = (await service.get("/v1/entries/0", service.auditor)).json()
    act = (await service.get(f"/v1/acts/{said['act']}", token)).json()
    assert (act["state"], act["index"], act["progress"]) == ("done", index, None)
    expected = {"act": said["act"], "at": act["applied_at"], "index": index}
    assert entry["erasures"] == [{"part": "subjects[0]", **expected}, {"part": "shared", **expected}]
    again = (await erase(service, token)).json()
    assert (again["status"], again["act"], again["entries"]) == ("nothing-to-erase", None, 0)
    listed = (await service.get("/v1/erasures", token)).json()
    assert listed == {"erasures": [act], "next": None}


async def test_a_dry_run_needs_no_basis_and_no_authority(service: Service) -> None:
    await service.append(entry_document())
    planned = await erase(service, dpo(service), legal_basis=None, authorised_by=None, dry_run=True)
    assert (planned.status, planned.json()["status"], planned.json()["parts"]) == (200, "dry-run", 2)
    refused = await erase(service, dpo(service), legal_basis=None, authorised_by=None)
    assert (refused.status, refused.slug) == (400, "request-invalid")
    assert [fault["path"] for fault in refused.json()["errors"]] == ["legal_basis", "authorised_by"]
    assert refused.json()["title"] == "The request breaks its schema"
    assert service.size() == 1


async def test_an_actor_is_erased_by_type_and_id(service: Service) -> None:
    await service.append(entry_document())
    done = await erase(service, dpo(service), subject=None, actor={"type": "employee", "id": "e-1007"})
    assert (done.json()["status"], done.json()["parts"]) == ("done", 1)
    entry = (await service.get("/v1/entries/0", service.auditor)).json()
    assert entry["erased"] == ["actor"]


@pytest.mark.parametrize(
    ("changed", "slug"),
    [
        ({"subject": None}, "bad-request"),
        ({"actor": {"type": "employee", "id": "e-1"}}, "bad-request"),
        ({"legal_basis": None}, "request-invalid"),
        ({"legal_basis": ""}, "request-invalid"),
        ({"authorised_by": None}, "request-invalid"),
        ({"subject": 4711}, "request-invalid"),
        ({"subjects": ["p-4711"]}, "request-invalid"),
        ({"dry_run": "yes"}, "request-invalid"),
        ({"reason": "P-4711 asked"}, "bad-request"),
        ({"legal_basis": "art. 17 for p-4711"}, "bad-request"),
        ({"authorised_by": "p-4711"}, "bad-request"),
    ],
)
async def test_a_bad_request_says_what_and_quotes_nothing(service: Service, changed: Any, slug: str) -> None:
    await service.append(entry_document())
    answer = await erase(service, dpo(service), **changed)
    assert (answer.status, answer.slug) == (400, slug)
    assert b"4711" not in answer.body
    assert service.size() == 1


@pytest.mark.parametrize("path", ["/v1/erasures", "/v1/acts/01a20642-cbbc-728e-bf2b-3ea96f9ffe23"])
async def test_only_data_protection_officers_see_acts(service: Service, path: str) -> None:
    for token in (service.token, service.auditor):
        assert (await service.get(path, token)).status == 403
    assert (await service.get(path)).status == 401
    assert (await erase(service, service.auditor)).status == 403


@pytest.mark.parametrize("name", ["x", "01a20642-cbbc-728e-bf2b-3ea96f9ffe23", "7"])
async def test_what_is_no_act_is_not_found(service: Service, name: str) -> None:
    for method, path in (("GET", ""), ("POST", "/approve"), ("POST", "/decline")):
        assert (await service.ask(method, f"/v1/acts/{name}{path}", token=dpo(service))).status == 404


async def test_a_second_person_approves(approving: Service) -> None:
    dana, eve = dpo(approving), dpo(approving, "eve")
    await approving.append(entry_document())
    pending = await erase(approving, dana)
    assert (pending.status, pending.json()["status"]) == (202, "pending")
    path = f"/v1/acts/{pending.json()['act']}"
    assert (await erase(approving, eve)).json()["act"] == pending.json()["act"]
    for same in (dana, dpo(approving)):
        refused = await approving.ask("POST", f"{path}/approve", token=same)
        assert (refused.status, refused.slug) == (403, "forbidden")
    assert (await approving.get("/v1/entries/0", eve)).json()["erased"] == []
    approved = await approving.ask("POST", f"{path}/approve", token=eve)
    assert (approved.status, approved.json()["state"]) == (200, "done")
    assert (await approving.get("/v1/entries/0", eve)).json()["erased"] == ["subjects[0]", "shared"]
    assert (await approving.ask("POST", f"{path}/approve", token=eve)).status == 409


async def test_a_declined_erasure_erases_nothing_and_is_logged(approving: Service) -> None:
    dana, eve = dpo(approving), dpo(approving, "eve")
    await approving.append(entry_document())
    pending = (await erase(approving, dana)).json()
    declined = (await approving.ask("POST", f"/v1/acts/{pending['act']}/decline", token=eve)).json()
    assert declined["state"] == "declined"
    entry = (await approving.get(f"/v1/entries/{declined['index']}", eve)).json()["entry"]
    assert (entry["outcome"], entry["details"]["declined"], entry["actor"]["id"]) == ("denied", True, "eve")
    assert (await approving.get("/v1/entries/0", eve)).json()["erased"] == []
    assert (await erase(approving, dana)).json()["act"] != pending["act"]


async def test_who_asks_again_is_logged_and_told_what_waits(approving: Service) -> None:
    dana, eve = dpo(approving), dpo(approving, "eve")
    await approving.append([entry_document(), entry_document()])
    first = (await erase(approving, dana)).json()
    again = (await erase(approving, eve)).json()
    assert [(said["status"], said["entries"]) for said in (first, again)] == [("pending", 2), ("pending", 2)]
    assert again["act"] == first["act"]
    asked = stored_own(approving.made, "tlog.erasure.request")
    assert [(entry["actor"]["id"], entry["details"]["waiting"]) for entry in asked] == [
        ("dana", [first["act"]]),
        ("eve", [first["act"]]),
    ]


@pytest.mark.parametrize("wait", [True, False])
async def test_who_asks_for_an_erasure_that_runs_is_logged(service: Service, wait: bool) -> None:
    """The first one is at its first step when the second one comes."""
    dana, eve = dpo(service), dpo(service, "eve")
    await service.append(entry_document())
    acts, prepared, go_on = service.made.log.acts, threading.Event(), threading.Event()
    erasures_ = service.made.log.erasures
    assert erasures_ is not None
    prepare = erasures_.steps.eraser.prepare

    def held_up(*given: Any) -> Any:
        prepared.set()
        assert go_on.wait(20)
        return prepare(*given)

    with patch.object(type(erasures_.steps.eraser), "prepare", lambda _self, *given: held_up(*given)):
        first = asyncio.create_task(erase(service, dana))
        assert await asyncio.to_thread(prepared.wait, 20)
        again = await erase(service, eve, wait=wait)
        go_on.set()
        done = (await first).json()
    assert acts.lock.locked() is False
    assert (again.status, again.json()["status"], again.json()["entries"]) == (202, "running", 1)
    assert (done["status"], done["act"]) == ("done", again.json()["act"])
    [entry] = stored_own(service.made, "tlog.erasure.request")
    assert (entry["actor"]["id"], entry["details"]["running"]) == ("eve", done["act"])


async def test_pages_of_erasures(service: Service) -> None:
    token = dpo(service)
    acts = []
    for number in range(3):
        await service.append(entry_document(subjects=[{"id": f"person-{number}"}]))
        acts.append((await erase(service, token, subject=f"person-{number}")).json()["act"])
    first = (await service.get("/v1/erasures?limit=2", token)).json()
    rest = (await service.get(f"/v1/erasures?limit=2&before={first['next']}", token)).json()
    assert [act["act"] for act in first["erasures"] + rest["erasures"]] == acts[::-1]
    assert rest["next"] is None


async def test_without_waiting_the_act_is_named_at_once(service: Service) -> None:
    token = dpo(service)
    await service.append(entry_document())
    answer = await erase(service, token, wait=False)
    assert answer.status in {200, 202}
    path = f"/v1/acts/{answer.json()['act']}"
    while (await service.get(path, token)).json()["state"] != "done":
        pass


async def test_a_halted_log_takes_no_acts(service: Service) -> None:
    token = dpo(service)
    await service.append(entry_document())
    service.made.log.publisher._stop_signing("a witness knows more")
    answer = await erase(service, token)
    assert (answer.status, answer.slug) == (503, "log-halted")
    assert service.made.log.entries.opened(service.made.log.entries.stored(0)).erased == ()
    refused = await service.get("/v1/entries/0", token)
    assert (refused.status, refused.slug) == (503, "not-logged"), "a halted log can't log a read, so it shows nothing"

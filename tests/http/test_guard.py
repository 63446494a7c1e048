"""The guard: every request to a guarded route is one entry of the log's own, durable before its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from sqlalchemy import text

from tests.http.own_entries import looked_up, shown, stored_own
from tests.http.service import JSON, Answer, Service, serve
from tests.support import entry_document, running_log
from tlog.http.app import GUARD
from tlog.http.rules import PUBLIC, RULES
from tlog.service.access_log import PURPOSE, REFUSED
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role

ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"
OTHER = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b12"
WORDS = ("e-1007", "Ada Example", "p-4711", "allergies", "r-55", "treatment", "patient.record")
ERASURE = {"subject": "p-4711", "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana", "dry_run": True}
HOLD = {"kind": "legal-hold", "case": "C-1", "source": "clinic", "reason": "claim", "authorised_by": "Dana"}


@dataclass(frozen=True)
class Ask:
    """A request, and the operation that it is for."""

    operation: str
    method: str
    path: str
    body: Any = None

    async def of(self, service: Service, token: str | None) -> Answer:
        if self.body is None:
            return await service.ask(self.method, self.path, token=token)
        return await service.ask(self.method, self.path, json.dumps(self.body).encode(), token, Content_Type=JSON)


# what is asked, and the entries that the answer shows
READS: list[tuple[Ask, list[int]]] = [
    (Ask("readEntry", "GET", "/v1/entries/0"), [0]),
    (Ask("readEntryById", "GET", f"/v1/entries/by-id/{ID}"), [0]),
    (Ask("findEntries", "GET", "/v1/entries"), [1, 0]),
    (Ask("findEntries", "GET", "/v1/entries?source=nobody"), []),
    (Ask("searchEntries", "POST", "/v1/entries/search", {"subject": "p-4711", "limit": 1}), [1]),
    (Ask("evidence", "GET", "/v1/entries/1/evidence"), [1]),
    (Ask("caseFile", "POST", "/v1/evidence", {"indices": [1, 0, 1]}), [0, 1]),
    (Ask("acts", "GET", "/v1/acts"), []),
    (Ask("erasures", "GET", "/v1/erasures"), []),
    (Ask("holds", "GET", "/v1/holds"), []),
    (Ask("retentionPlan", "GET", "/v1/retention"), []),
    (Ask("erase", "POST", "/v1/erasures", ERASURE), []),
]
OF_ENTRIES = READS[:7]


def search(filters: dict[str, Any]) -> Ask:
    return Ask("searchEntries", "POST", "/v1/entries/search", filters)


async def filled(service: Service) -> str:
    """Two entries about one person, published; returns the token of a data protection officer called maria."""
    answer = await service.append([entry_document(id=ID), entry_document()], "/v1/entries?wait=witnessed")
    assert answer.status == 201
    return service.made.token("maria", Role.DPO)


async def logged(service: Service, request: Callable[[], Any]) -> tuple[Answer, dict[str, Any]]:
    """Make a request and return its answer with the one entry that was there when it came."""
    before = len(stored_own(service.made))
    answer = await request()
    new = stored_own(service.made)[before:]
    assert len(new) == 1, new
    return answer, new[0]


@pytest.mark.parametrize(("asked", "indices"), READS)
async def test_an_answer_is_one_entry_that_says_who_what_and_which(
    service: Service, asked: Ask, indices: list[int]
) -> None:
    token = await filled(service)
    answer, entry = await logged(service, lambda: asked.of(service, token))
    assert answer.status == 200, answer
    assert entry["actor"] == {"type": "token", "id": "maria"}
    assert (entry["action"], entry["outcome"], entry["crud"]) == (RULES[asked.operation].action, "allowed", "read")
    assert (entry["purpose"], entry["source"]) == (PURPOSE, "tlog")
    assert (entry["details"]["operation"], entry["details"]["status"]) == (asked.operation, 200)
    assert shown(entry) == indices


async def test_who_read_an_entry_is_a_look_up(service: Service) -> None:
    token = await filled(service)
    await service.get("/v1/entries/1", token)
    await service.get("/v1/entries/0", service.auditor)
    question = {"source": "tlog", "target_type": "entry", "target_id": "1"}
    found = (await search(question).of(service, service.auditor)).json()["entries"]
    assert [(item["entry"]["actor"]["id"], item["entry"]["action"]) for item in found] == [("maria", "tlog.entry.read")]


async def test_a_head_request_is_logged_as_any_other(service: Service) -> None:
    token = await filled(service)
    answer, entry = await logged(service, lambda: service.ask("HEAD", "/v1/entries/0", token=token))
    assert (answer.status, answer.body, shown(entry)) == (200, b"", [0])


async def test_a_person_looked_up_by_name_is_a_number_where_the_log_knows_them(service: Service) -> None:
    token = await filled(service)
    known = service.made.log.lookup.subject_key("p-4711")
    for subject, named in (("p-4711", [known]), ("p-unknown", [])):
        asked = search({"subject": subject})
        _, entry = await logged(service, partial(asked.of, service, token))
        assert (looked_up(entry), "subjects" in entry) == (named, False)
        assert entry["details"]["filters"] == ["subject"]
        assert subject not in json.dumps(entry)
    for others in ({}, {"actor_type": "employee", "actor_id": "e-1007"}):
        _, entry = await logged(service, partial(search(others).of, service, token))
        assert looked_up(entry) == []


@pytest.mark.parametrize(
    ("role", "asked"),
    [
        (Role.READER, Ask("evidence", "GET", "/v1/entries/0/evidence")),
        (Role.READER, Ask("caseFile", "POST", "/v1/evidence", {"indices": [0]})),
        (Role.ADMIN, Ask("readEntry", "GET", "/v1/entries/0")),
        (Role.ADMIN, Ask("searchEntries", "POST", "/v1/entries/search", {})),
        (Role.AUDITOR, Ask("appendEntries", "POST", "/v1/entries", {})),
        (Role.AUDITOR, Ask("erase", "POST", "/v1/erasures", ERASURE)),
        (Role.READER, Ask("acts", "GET", "/v1/acts")),
        (Role.WRITER, Ask("readEntry", "GET", "/v1/entries/0")),
        (Role.WRITER, Ask("readEntryById", "GET", f"/v1/entries/by-id/{ID}")),
        (Role.WRITER, Ask("searchEntries", "POST", "/v1/entries/search", {"source": "clinic"})),
    ],
)
async def test_a_denied_request_is_one_entry_and_shows_nothing(service: Service, role: Role, asked: Ask) -> None:
    await filled(service)
    token = service.made.token("shop", role)
    answer, entry = await logged(service, lambda: asked.of(service, token))
    assert (answer.status, answer.slug) == (403, "forbidden")
    assert (entry["actor"], entry["action"]) == ({"type": "token", "id": "shop"}, RULES[asked.operation].action)
    about = [0] if (role, asked.operation) == (Role.WRITER, "readEntry") else []  # else nobody got as far as an entry
    assert (entry["outcome"], shown(entry)) == ("denied", about)
    assert entry["details"] | {"operation": asked.operation, "status": 403, "problem": "forbidden"} == entry["details"]
    assert not any(word in answer.body.decode() for word in WORDS)


@pytest.mark.parametrize(
    ("asked", "status", "problem"),
    [
        (Ask("readEntry", "GET", "/v1/entries/99"), 404, "not-found"),
        (Ask("readEntry", "GET", "/v1/entries/x"), 400, "bad-parameter"),
        (Ask("readEntryById", "GET", f"/v1/entries/by-id/{OTHER}"), 404, "not-found"),
        (Ask("findEntries", "GET", "/v1/entries?limit=0"), 400, "bad-parameter"),
        (Ask("searchEntries", "POST", "/v1/entries/search", {"cursor": "x"}), 400, "cursor-invalid"),
        (Ask("caseFile", "POST", "/v1/evidence", {"indices": [99]}), 404, "not-found"),
        (Ask("act", "GET", f"/v1/acts/{ID}"), 404, "not-found"),
        (Ask("erase", "POST", "/v1/erasures", {"subject": "p-4711"}), 400, "request-invalid"),
        (
            Ask("liftHolds", "POST", "/v1/holds/lift", {"case": "C-9", "reason": "r", "authorised_by": "D"}),
            404,
            "not-found",
        ),
    ],
)
async def test_a_failing_request_is_one_entry_that_says_why(
    service: Service, asked: Ask, status: int, problem: str
) -> None:
    token = await filled(service)
    answer, entry = await logged(service, lambda: asked.of(service, token))
    assert (answer.status, answer.slug) == (status, problem)
    assert (entry["outcome"], entry["details"]["status"], entry["details"]["problem"]) == ("failed", status, problem)
    assert (entry["details"]["operation"], shown(entry)) == (asked.operation, [])


async def test_a_fault_nobody_foresaw_is_logged_without_what_it_says(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await filled(service)

    def broken(_index: int) -> Any:
        raise RuntimeError("p-4711")

    with monkeypatch.context() as patch:
        patch.setattr(service.made.log.entries, "stored", broken)
        answer = await service.get("/v1/entries/0", token)
    entry = stored_own(service.made)[-1]
    assert (answer.status, answer.slug) == (500, "internal")
    assert (entry["outcome"], entry["details"]["status"], shown(entry)) == ("failed", 500, [])
    assert "p-4711" not in answer.body.decode() + json.dumps(entry) + capsys.readouterr().out


async def test_an_act_logs_itself_and_an_append_is_in_the_log_anyway(service: Service) -> None:
    token = await filled(service)
    _, entry = await logged(service, lambda: Ask("placeHold", "POST", "/v1/holds", HOLD).of(service, token))
    assert (entry["action"], entry["outcome"]) == ("tlog.hold.place", "allowed")
    before = len(stored_own(service.made))
    assert (await service.append(entry_document())).status == 201
    assert (await service.append({"schema": 1})).slug == "entry-invalid"
    assert len(stored_own(service.made)) == before


async def test_what_is_public_is_nobodys_business(service: Service) -> None:
    await filled(service)
    before = len(stored_own(service.made))
    for path in ("/checkpoint", "/v1/checkpoints", "/v1/entries/0/proof", "/v1/proofs/inclusion?index=0", "/healthz"):
        assert (await service.get(path)).status == 200
    assert (await service.get("/nope")).status == 404
    assert len(stored_own(service.made)) == before


@contextmanager
def full_queue(service: Service) -> Iterator[None]:
    """The append queue is full for the length of a block."""
    settings = service.made.log.settings
    with service.made.log.sequencer.reserve(settings.max_pending_entries, 0):
        yield


@contextmanager
def failing_database(service: Service) -> Iterator[None]:
    """The database refuses every new entry for the length of a block, as a full disk would."""
    refuse = "CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    with service.made.parts.database.write() as connection:
        connection.execute(text(refuse))
    try:
        yield
    finally:
        with service.made.parts.database.write() as connection:
            connection.execute(text("DROP TRIGGER full"))


@pytest.mark.parametrize("refusing", [full_queue, failing_database])
@pytest.mark.parametrize(("asked", "indices"), OF_ENTRIES)
async def test_what_cannot_be_logged_is_not_served(
    service: Service, asked: Ask, indices: list[int], refusing: Callable[[Service], Any]
) -> None:
    token = await filled(service)
    before = stored_own(service.made)
    with refusing(service):
        refused = await asked.of(service, token)
        assert stored_own(service.made) == before
    assert (refused.status, refused.slug) == (503, "not-logged")
    assert int(refused.headers["Retry-After"]) > 0
    assert not any(word in refused.body.decode() for word in (*WORDS, ID, "disk full"))
    answer, entry = await logged(service, lambda: asked.of(service, token))
    assert (answer.status, entry["details"]["operation"], shown(entry)) == (200, asked.operation, indices)


@pytest.mark.parametrize("path", ["/v1/holds", "/v1/acts", "/v1/erasures", "/v1/retention"])
async def test_nor_is_what_was_done_about_somebody(service: Service, path: str) -> None:
    token = await filled(service)
    with full_queue(service):
        assert (await service.get(path, token)).slug == "not-logged"
    assert (await service.get(path, token)).status == 200


async def test_nor_is_whether_something_is_there(service: Service) -> None:
    token = await filled(service)
    with full_queue(service):
        for path in ("/v1/entries/99", f"/v1/entries/by-id/{OTHER}"):
            assert (await service.get(path, token)).slug == "not-logged"
        refused = await Ask("erase", "POST", "/v1/erasures", ERASURE).of(service, token)
        assert refused.slug == "not-logged"
    assert (await service.get("/v1/entries/99", token)).status == 404


async def test_a_denial_stays_one_where_it_cannot_be_logged(service: Service) -> None:
    await filled(service)
    with full_queue(service):
        answer = await service.get("/v1/entries/0/evidence", service.token)
        assert (answer.status, answer.slug) == (403, "forbidden")
        assert (await service.get("/v1/entries/0")).status == 401


async def test_attempts_by_nobody_are_logged_together_and_few(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.made.log.accesses, "_interval", LogSettings().refusals_interval)
    await filled(service)
    unknown = "tlog_" + "A" * 43
    requests = [service.get("/v1/entries/0", unknown if number % 2 else None) for number in range(150)]
    requests += [service.append(entry_document(), token=unknown) for _ in range(50)]
    answers = await asyncio.gather(*requests)
    assert {answer.status for answer in answers} == {401}
    entries = stored_own(service.made)
    assert 1 <= len(entries) <= 5
    for entry in entries:
        assert (entry["action"], entry["outcome"]) == (REFUSED, "denied")
        assert entry["actor"] == {"type": "unauthenticated", "id": "unknown"}
        assert entry["details"]["attempts"] == sum(entry["details"]["operations"].values())
    counts = [entry["details"]["operations"] for entry in entries]
    assert sum(count.get("readEntry", 0) for count in counts) == 150
    assert sum(count.get("appendEntries", 0) for count in counts) == 50
    assert unknown not in json.dumps(entries)


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[Service]:
    """A served log that lets everybody ask three times, and then hardly ever."""
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, requests_per_second=0.001, request_burst=3)
    async with running_log(tmp_path / "log", settings=settings) as made, serve(made) as served:
        yield served


async def test_who_asks_too_often_is_told_when_to_come_back(slow: Service) -> None:
    token = await filled(slow)
    answers = [await slow.get("/v1/entries/0", token) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 200]
    refused = await asyncio.gather(*(slow.get("/v1/entries/0", token) for _ in range(20)))
    assert {(answer.status, answer.slug) for answer in refused} == {(429, "too-many-requests")}
    assert all(900 < int(answer.headers["Retry-After"]) <= 1000 for answer in refused)
    assert not any(word in refused[0].body.decode() for word in WORDS)
    turned_away = stored_own(slow.made, REFUSED)
    assert [entry["actor"] for entry in turned_away[:1]] == [{"type": "token", "id": "maria"}]
    assert sum(entry["details"]["operations"]["readEntry"] for entry in turned_away) == 20
    assert len(turned_away) <= 3
    assert len(stored_own(slow.made, "tlog.entry.read")) == 3
    assert (await slow.get("/v1/entries/0", slow.auditor)).status == 200
    assert (await slow.append(entry_document())).status == 201


async def test_appends_are_not_counted(slow: Service) -> None:
    for _ in range(6):
        assert (await slow.append(entry_document())).status == 201


async def test_a_route_without_a_rule_is_not_served(service: Service) -> None:
    served: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        served.append(request.path)
        return web.Response()

    app = web.Application(middlewares=[service.app[GUARD].middleware()])
    app.router.add_get("/named", handler, name="unheardOf")
    app.router.add_get("/unnamed", handler)
    app.freeze()
    for path in ("/named", "/unnamed"):
        request = make_mocked_request("GET", path, app=app)
        request._match_info = await app.router.resolve(request)
        request.match_info.add_app(app)
        with pytest.raises(KeyError):
            await service.app[GUARD].middleware()(request, handler)
    assert served == []


async def test_every_route_is_public_or_has_a_rule_and_none_has_both(service: Service) -> None:
    names = {route.name for route in service.app.router.routes()}
    assert None not in names
    assert names == PUBLIC | set(RULES)
    assert not PUBLIC & set(RULES)


@pytest.mark.parametrize("asked", [Ask("acts", "GET", "/v1/acts"), Ask("appendEntries", "POST", "/v1/entries", {})])
async def test_who_is_denied_too_often_fills_no_log(slow: Service, asked: Ask) -> None:
    tim = slow.made.token("tim", Role.READER)
    answers = await asyncio.gather(*(asked.of(slow, tim) for _ in range(40)))
    assert sorted({answer.status for answer in answers}) == [403, 429]
    assert len(stored_own(slow.made, RULES[asked.operation].action)) == 3
    assert len(stored_own(slow.made)) < 8

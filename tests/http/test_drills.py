"""The routes of drills: what there is to pick from, what is logged, who may."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from tests.conftest import on_postgres_too
from tests.http.service import JSON, Answer, Service
from tests.support import entry_document
from tlog.http.answers.drills import DrillAnswer, DrillLogged, DrillPage, DrillWindowAnswer
from tlog.http.openapi.document import document
from tlog.storage.roles import Role, RowScope
from tlog.storage.tables import entries
from tlog.storage.token_store import NewToken

ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"
RECORD = {"index": 2, "find_ms": 30.5, "evidence_ms": 12, "verify_ms": 100, "missed": None}
RESULT: dict[str, Any] = {
    "drill": ID,
    "from_day": "2026-02-01",
    "to_day": "2026-02-15",
    "first": 0,
    "last": 2,
    "missing": 0,
    "first_missing": [],
    "limit_ms": 5000,
    "expired": 1,
    "bare": 0,
    "records": [RECORD],
}


def today(days: int = 0) -> str:
    return (datetime.now(UTC).date() + timedelta(days)).isoformat()


async def post(service: Service, body: Any, token: str | None = None) -> Answer:
    return await service.ask(
        "POST", "/v1/drills", json.dumps(body).encode(), token or service.auditor, Content_Type=JSON
    )


async def fill(service: Service, count: int = 3) -> None:
    answer = await service.append([entry_document() for _ in range(count)], "/v1/entries?wait=witnessed")
    assert answer.status == 201


@on_postgres_too
async def test_the_window_says_which_indices_and_how_many_are_missing(service: Service) -> None:
    await fill(service, 5)
    whole = (await service.get(f"/v1/drills/window?around={today()}", service.auditor)).json()
    assert whole == {
        "from_day": today(-7),
        "to_day": today(),
        "first": 0,
        "last": 4,
        "entries": 5,
        "missing": 0,
        "first_missing": [],
        "oldest": False,
    }
    with service.made.parts.database.write() as connection:
        connection.execute(delete(entries).where(entries.c.log_index == 3))
    answer = (await service.get(f"/v1/drills/window?around={today()}&days=0", service.auditor)).json()
    assert (answer["missing"], answer["first_missing"]) == (1, [3])
    assert (answer["from_day"], answer["to_day"]) == (today(), today())


@pytest.mark.parametrize("around", ["1970-01-01", "2025-12-24", "0001-01-01", "9999-12-31"])
async def test_where_there_is_nothing_the_oldest_days_are_used_and_said(service: Service, around: str) -> None:
    await fill(service)
    found = (await service.get(f"/v1/drills/window?around={around}&days=2", service.auditor)).json()
    assert (found["oldest"], found["from_day"], found["to_day"]) == (True, today(), today())
    assert (found["first"], found["last"]) == (0, 2)


@on_postgres_too
async def test_a_log_without_entries_has_no_window(service: Service) -> None:
    answer = await service.get(f"/v1/drills/window?around={today()}", service.auditor)
    assert (answer.status, answer.slug) == (404, "not-found")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?around=",
        "?around=20260101",
        "?around=2026-W01-1",
        "?around=2026-02-30",
        "?around=2026-01-01&days=367",
        "?around=2026-01-01&days=-1",
        "?around=2026-01-01&around=2026-01-02",
        "?around=2026-01-01&more=1",
    ],
)
async def test_a_window_that_makes_no_sense_is_refused(service: Service, query: str) -> None:
    answer = await service.get(f"/v1/drills/window{query}", service.auditor)
    assert (answer.status, answer.slug) == (400, "bad-parameter")


@on_postgres_too
async def test_a_result_is_an_entry_of_the_log_once_and_is_listed(service: Service) -> None:
    await fill(service)
    first = await post(service, RESULT)
    assert (first.status, first.json()) == (201, {"index": 3, "passed": True})
    assert (await post(service, RESULT)).json() == {"index": 3, "passed": True}
    assert service.made.log.store.state().size == 4, "it is its own entry, and there is one"
    entry = (await service.get("/v1/entries/3", service.auditor)).json()["entry"]
    assert (entry["source"], entry["action"], entry["outcome"]) == ("tlog", "tlog.drill", "allowed")
    assert entry["actor"] == {"type": "token", "id": "auditor"}
    assert entry["id"] != ID, "nobody chooses the id of an own entry"
    assert entry["details"] == RESULT | {"missed": 0, "alike": 0}
    [listed] = (await service.get("/v1/drills", service.auditor)).json()["drills"]
    assert (listed["index"], listed["by"], listed["passed"]) == (3, "auditor", True)
    assert listed["result"] == entry["details"]


@pytest.mark.parametrize(
    "changed",
    [{"missing": 1, "first_missing": [1]}, {"records": [RECORD | {"missed": "find"}]}, {"alike": 2}],
    ids=["a row is missing", "a record was missed", "most were passed over"],
)
async def test_whether_it_passed_is_worked_out_from_its_numbers(service: Service, changed: dict[str, Any]) -> None:
    await fill(service)
    answer = await post(service, RESULT | changed)
    assert answer.json() == {"index": 3, "passed": False}
    entry = (await service.get("/v1/entries/3", service.auditor)).json()["entry"]
    assert entry["outcome"] == "failed"
    [listed] = (await service.get("/v1/drills", service.auditor)).json()["drills"]
    assert listed["passed"] is False


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"drill": "019a52c8-2f64-4d1c-a3b8-5c0e9f7d2b11"}, "drill"),
        ({"from_day": "yesterday"}, "from_day"),
        ({"limit_ms": -1}, "limit_ms"),
        ({"note": "p-4711"}, "note"),
        ({"records": [RECORD | {"missed": "p-4711"}]}, "records[0].missed"),
        ({"records": [RECORD | {"reason": "p-4711"}]}, "records[0].reason"),
        ({"records": [RECORD] * 101}, "records"),
        ({"first_missing": list(range(11))}, "first_missing"),
    ],
)
async def test_nothing_but_numbers_and_days_can_be_logged(service: Service, changed: dict[str, Any], path: str) -> None:
    await fill(service)
    answer = await post(service, RESULT | changed)
    assert (answer.status, answer.slug) == (400, "request-invalid")
    assert [fault["path"] for fault in answer.json()["errors"]] == [path]
    assert b"p-4711" not in answer.body
    assert (await service.get("/v1/drills", service.auditor)).json()["drills"] == []


@on_postgres_too
async def test_past_drills_come_in_pages_newest_first_and_nobody_elses_entries_are_among_them(service: Service) -> None:
    await service.append(entry_document(action="tlog.drill"))
    for number in range(3):
        await post(service, RESULT | {"drill": f"019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b{number:02}"})
    page = (await service.get("/v1/drills?limit=2", service.auditor)).json()
    rest = (await service.get(f"/v1/drills?limit=2&cursor={page['next']}", service.auditor)).json()
    assert [[drill["index"] for drill in found["drills"]] for found in (page, rest)] == [[3, 2], [1]]
    shown = (await service.get("/v1/entries?action=tlog.drills.read", service.auditor)).json()["entries"]
    targets = [[target["id"] for target in entry["entry"].get("targets", ())] for entry in shown]
    assert targets == [["1"], ["3", "2"]], "who saw which"
    assert (await service.get("/v1/drills?cursor=x", service.auditor)).slug == "cursor-invalid"
    assert (await service.get("/v1/drills?cursor=", service.auditor)).slug == "bad-parameter"
    assert (await service.get("/v1/drills?limit=501", service.auditor)).slug == "bad-parameter"


async def test_who_may(service: Service) -> None:
    """Who reads entries may drill them; an admin, who reads none, sees how drills ended."""
    await fill(service)
    roles = {role: service.made.token("dana", role) for role in (Role.READER, Role.DPO, Role.ADMIN)}
    for token, drills, lists in (
        (service.auditor, True, True),
        (roles[Role.DPO], True, True),
        (roles[Role.ADMIN], False, True),
        (roles[Role.READER], False, False),
        (service.token, False, False),
    ):
        assert (await service.get(f"/v1/drills/window?around={today()}", token)).status == (200 if drills else 403)
        assert (await post(service, RESULT, token)).status == (201 if drills else 403)
        assert (await service.get("/v1/drills", token)).status == (200 if lists else 403)
    assert (await service.get("/v1/drills")).status == 401


@pytest.mark.parametrize("scope", [RowScope(frozenset({"clinic"})), RowScope(None, frozenset({"standard"}))])
async def test_who_is_limited_to_some_entries_has_no_part_in_drills(service: Service, scope: RowScope) -> None:
    await fill(service)
    limited = NewToken("jane", frozenset({Role.AUDITOR}), scope)
    token = service.made.log.tokens.issue(limited)[1]
    await post(service, RESULT)
    for answer in (
        await service.get(f"/v1/drills/window?around={today()}", token),
        await post(service, RESULT, token),
        await service.get("/v1/drills", token),
    ):
        assert (answer.status, answer.slug) == (403, "forbidden")
        assert "limited to some" in answer.json()["detail"]


async def test_a_halted_log_is_not_drilled(service: Service) -> None:
    await fill(service)
    service.made.log.publisher._stop_signing("a witness knows more")
    assert (await service.get(f"/v1/drills/window?around={today()}", service.auditor)).status == 503
    assert (await post(service, RESULT)).status == 503


async def test_answers_are_what_is_described(service: Service) -> None:
    await fill(service)
    logged = await post(service, RESULT)
    window = await service.get(f"/v1/drills/window?around={today()}", service.auditor)
    page = await service.get("/v1/drills", service.auditor)
    schemas = document()["components"]["schemas"]
    for answer, kind in (
        (logged.json(), DrillLogged),
        (window.json(), DrillWindowAnswer),
        (page.json(), DrillPage),
        (page.json()["drills"][0], DrillAnswer),
    ):
        described = schemas[kind.__name__]
        assert set(answer) == set(described["properties"]) == set(described["required"])

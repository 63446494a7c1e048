"""Retention over HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.http.service import Answer, Service, serve
from tests.http.test_health import figures
from tests.service.expired import CLASSES, Clock
from tests.service.test_erasure import settings
from tests.support import entry_document, running_log
from tlog.http.retention import SHARE
from tlog.service.retention import Retention
from tlog.storage.expiry_pause import PAUSE_FILE, ExpiryPause
from tlog.storage.roles import Role

CLOCK = Clock()


@pytest.fixture(params=[False])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Service]:
    CLOCK.on(2025, 1)
    options = {"now": CLOCK, "retention": CLASSES, "settings": settings(second_person=request.param)}
    async with running_log(tmp_path / "log", **options) as made, serve(made) as served:
        yield served


def dpo(service: Service, name: str = "dana") -> str:
    return service.made.token(name, Role.DPO)


async def run(service: Service, token: str, body: object = None) -> Answer:
    sent = json.dumps({"authorised_by": "Dana Officer"} if body is None else body).encode()
    return await service.ask("POST", "/v1/retention/run", sent, token, Content_Type="application/json")


async def test_what_expires_is_shown_done_and_then_gone(kept: Service) -> None:
    token = dpo(kept)
    await kept.append(entry_document())
    entry = (await kept.get("/v1/entries/0", kept.auditor)).json()
    assert (entry["expires_at"], entry["on_hold"]) == ("2026-02-01T00:00:00.000000Z", False)
    assert (await kept.get("/v1/retention", token)).json()["cohorts"] == []
    plan = (await kept.get("/v1/retention?until=2026-02-01", token)).json()
    assert plan["until"] == "2026-02-01T00:00:00.000000Z"
    assert plan["cohorts"] == [
        {
            "cohort": "standard/2025-01",
            "retention": "standard",
            "months": 12,
            "reason": "a year",
            "expires_at": "2026-02-01T00:00:00.000000Z",
            "entries": 3,  # two of them say that the first was read, and what is due
            "held": 0,
            "due": False,
        }
    ]
    assert (await run(kept, token)).json() == {"acts": []}
    CLOCK.on(2026, 2)
    done = await run(kept, token)
    assert done.status == 200
    [act] = done.json()["acts"]
    assert (act["kind"], act["state"], act["entries"], act["index"]) == ("expiry", "done", 5, 5)
    gone = await kept.get("/v1/entries/0", kept.auditor)
    assert (gone.status, gone.slug) == (410, "expired")
    assert f"by act {act['act']} at 2026-02-10T00:00:00.000000Z, logged as entry 5" in gone.json()["detail"]
    assert (await kept.get(f"/v1/acts/{act['act']}", token)).json() == act


@pytest.mark.parametrize("kept", [True], indirect=True)
async def test_a_second_person_approves(kept: Service) -> None:
    await kept.append(entry_document())
    CLOCK.on(2026, 2)
    asked = await run(kept, dpo(kept))
    [act] = asked.json()["acts"]
    assert (asked.status, act["state"], act["entries"]) == (202, "pending", 1)
    again = await run(kept, dpo(kept, "finn"))
    assert (again.status, again.json()) == (202, {"acts": [act]}), "what waits is answered again, not asked for twice"
    assert (await kept.get("/v1/entries/0", kept.auditor)).status == 200
    approved = await kept.ask("POST", f"/v1/acts/{act['act']}/approve", token=dpo(kept, "eve"))
    assert (approved.status, approved.json()["state"]) == (200, "done")
    assert (await kept.get("/v1/entries/0", kept.auditor)).status == 410


@pytest.mark.parametrize("kept", [True], indirect=True)
async def test_who_approves_is_told_what_would_expire_and_what_is_held_now(kept: Service) -> None:
    placed = [await kept.append(entry_document(subjects=[{"id": f"p-{n}"}])) for n in range(3)]
    assert [answer.status for answer in placed] == [201] * 3
    CLOCK.on(2026, 2)
    act = (await run(kept, dpo(kept))).json()["acts"][0]["act"]

    async def said(token: str) -> Any:
        return (await kept.get(f"/v1/acts/{act}", token)).json()["said"]

    eve = dpo(kept, "eve")
    told = await said(eve)
    assert (told["cohort"], told["entries"], told["held"]) == ("standard/2025-01", 3, 0)
    hold = {"kind": "legal-hold", "case": "C-1", "subject": "p-1", "reason": "claim", "authorised_by": "Dana"}
    answer = await kept.ask("POST", "/v1/holds", json.dumps(hold).encode(), eve, Content_Type="application/json")
    assert answer.status == 201
    told = await said(eve)
    assert (told["entries"], told["held"]) == (2, 1)
    done = await kept.ask("POST", f"/v1/acts/{act}/approve", token=eve)
    assert (done.json()["entries"], await said(eve)) == (2, None), "what was told is what went"


async def test_only_data_protection_officers(kept: Service) -> None:
    for token in (kept.token, kept.auditor):
        assert (await kept.get("/v1/retention", token)).status == 403
        assert (await run(kept, token)).status == 403
    assert (await kept.get("/v1/retention")).status == 401


@pytest.mark.parametrize("query", ["until=tomorrow", "until=2026-13-01", "until=", "before=1"])
async def test_a_bad_day_is_refused(kept: Service, query: str) -> None:
    assert (await kept.get(f"/v1/retention?{query}", dpo(kept))).status == 400


@pytest.mark.parametrize("body", [{}, {"authorised_by": ""}, {"authorised_by": 4}, {"authorised_by": "x", "y": 1}, []])
async def test_a_bad_run_is_refused(kept: Service, body: object) -> None:
    refused = await run(kept, dpo(kept), body)
    assert (refused.status, refused.slug) == (400, "request-invalid")


async def test_an_unknown_class_is_refused(kept: Service) -> None:
    refused = await kept.append(entry_document(retention="forever"))
    assert (refused.status, refused.slug) == (400, "entry-invalid")
    assert "short, standard" in refused.body.decode()


async def test_a_clock_in_an_expired_month_is_503(kept: Service) -> None:
    await kept.append(entry_document())
    CLOCK.on(2026, 2)
    await run(kept, dpo(kept))
    CLOCK.on(2025, 1)
    refused = await kept.append(entry_document())
    assert (refused.status, refused.slug) == (503, "clock-behind")
    CLOCK.on(2026, 2)
    assert (await kept.append(entry_document())).status in {200, 201}


async def test_plans_are_made_one_by_one_and_a_few_wait(kept: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    held, token = threading.Event(), dpo(kept)
    plan = Retention.plan
    monkeypatch.setattr(Retention, "plan", lambda *arguments: held.wait(20) and plan(*arguments))
    asked = [asyncio.create_task(kept.get("/v1/retention", token)) for _ in range(5)]
    for answered in islice(asyncio.as_completed(asked), 5 - SHARE):
        refused = await answered
        assert (refused.status, refused.slug, refused.headers["Retry-After"]) == (429, "too-many-requests", "1")
    held.set()
    assert [answer.status for answer in await asyncio.gather(*asked)].count(200) == SHARE


async def test_a_pause_is_said_and_ends_with_a_run(kept: Service, tmp_path: Path) -> None:
    token = dpo(kept)
    assert (await kept.get("/v1/retention", token)).json()["paused"] is None
    assert (await figures(kept))["tlog_retention_paused"] == 0
    ExpiryPause(tmp_path / "log" / PAUSE_FILE).begin("2025-01-10T00:00:00.000000Z", "a restore")
    said = (await kept.get("/v1/retention", token)).json()
    assert said["paused"] == {"since": "2025-01-10T00:00:00.000000Z", "reason": "a restore"}
    assert (await figures(kept))["tlog_retention_paused"] == 1
    assert (await kept.get("/readyz")).status == 200
    done = await run(kept, token)
    assert [(act["kind"], act["state"]) for act in done.json()["acts"]] == [("resume-expiry", "done")]
    assert (await kept.get("/v1/retention", token)).json()["paused"] is None
    assert (await figures(kept))["tlog_retention_paused"] == 0


@pytest.mark.parametrize("kept", [True], indirect=True)
async def test_a_second_person_ends_a_pause(kept: Service, tmp_path: Path) -> None:
    ExpiryPause(tmp_path / "log" / PAUSE_FILE).begin("2025-01-10T00:00:00.000000Z", "a restore")
    asked = await run(kept, dpo(kept))
    [act] = asked.json()["acts"]
    assert (asked.status, act["kind"], act["state"]) == (202, "resume-expiry", "pending")
    assert (await figures(kept))["tlog_retention_paused"] == 1
    approved = await kept.ask("POST", f"/v1/acts/{act['act']}/approve", token=dpo(kept, "eve"))
    assert (approved.status, approved.json()["state"]) == (200, "done")
    assert (await figures(kept))["tlog_retention_paused"] == 0

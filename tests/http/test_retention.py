"""Retention over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.service import Answer, Service, serve
from tests.service.expired import CLASSES, Clock
from tests.service.test_erasure import settings
from tests.support import entry_document, running_log
from tlog.storage.token_store import TokenKind

CLOCK = Clock()


@pytest.fixture(params=[False])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Service]:
    CLOCK.on(2025, 1)
    options = {"now": CLOCK, "retention": CLASSES, "settings": settings(second_person=request.param)}
    async with running_log(tmp_path / "log", **options) as made, serve(made) as served:
        yield served


def dpo(service: Service, name: str = "dana") -> str:
    return service.made.token(name, TokenKind.DPO)


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
            "entries": 1,
            "held": 0,
            "due": False,
        }
    ]
    assert (await run(kept, token)).json() == {"acts": []}
    CLOCK.on(2026, 2)
    done = await run(kept, token)
    assert done.status == 200
    [act] = done.json()["acts"]
    assert (act["kind"], act["state"], act["entries"], act["index"]) == ("expiry", "done", 1, 1)
    gone = await kept.get("/v1/entries/0", kept.auditor)
    assert (gone.status, gone.slug) == (410, "expired")
    assert f"by act {act['act']} at 2026-02-10T00:00:00.000000Z, logged as entry 1" in gone.json()["detail"]
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

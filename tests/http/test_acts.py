"""Acts of every kind over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.http.service import Service, serve
from tests.support import entry_document, running_log
from tlog.service import hold_extent
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role
from tlog.storage.tables import holds

HOLD = {"kind": "legal-hold", "case": "C-1", "source": "clinic", "reason": "claim", "authorised_by": "Dana"}
LIFT = {"case": "C-1", "reason": "settled", "authorised_by": "Dana"}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A served log where a second person must approve."""
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=True)
    async with running_log(tmp_path / "log", settings=settings) as made, serve(made) as served:
        yield served


async def post(service: Service, path: str, token: str, body: dict[str, Any]) -> Any:
    answer = await service.ask("POST", path, json.dumps(body).encode(), token, Content_Type="application/json")
    assert answer.status in {200, 201, 202}, answer.body
    return answer.json()


async def listed(service: Service, token: str, query: str = "") -> dict[str, Any]:
    answer = await service.get(f"/v1/acts{query}", token)
    assert answer.status == 200, answer.body
    said: dict[str, Any] = answer.json()
    return said


async def two_acts(service: Service, token: str) -> list[str]:
    """A lift that waits and the hold that it would lift: the newest first."""
    await service.append(entry_document())
    hold = await post(service, "/v1/holds", token, HOLD)
    [lift] = (await post(service, "/v1/holds/lift", token, LIFT))["acts"]
    return [lift["act"], hold["act"]]


async def test_acts_of_every_kind_the_newest_first_by_kind_state_and_page(service: Service) -> None:
    token = service.made.token("dana", Role.DPO)
    assert await listed(service, token) == {"acts": [], "next": None}
    expected = await two_acts(service, token)
    found = await listed(service, token)
    assert [act["act"] for act in found["acts"]] == expected
    assert [(act["kind"], act["state"]) for act in found["acts"]] == [("lift", "pending"), ("hold", "done")]
    for query, kinds in (
        ("?kind=hold", ["hold"]),
        ("?state=pending", ["lift"]),
        ("?kind=hold&state=pending", []),
        ("?kind=expiry", []),
    ):
        assert [act["kind"] for act in (await listed(service, token, query))["acts"]] == kinds, query
    first = await listed(service, token, "?limit=1")
    rest = await listed(service, token, f"?limit=1&before={first['next']}")
    assert [first["acts"][0]["act"], rest["acts"][0]["act"]] == expected
    shown = (await service.get(f"/v1/acts/{expected[0]}", token)).json()
    assert shown["said"].pop("entries") == 1, "counted for one act only"
    assert first["acts"][0] == shown


async def test_what_a_lift_would_reach_is_counted_when_it_is_shown(service: Service) -> None:
    dana, eve = (service.made.token(name, Role.DPO) for name in ("dana", "eve"))
    lift, _ = await two_acts(service, dana)

    async def said(token: str) -> Any:
        return (await service.get(f"/v1/acts/{lift}", token)).json()["said"]

    told = await said(eve)
    assert (told["hold"], told["entries"], told["reason"]) == (1, 1, "settled")
    assert "entries_or_more" not in told
    await service.append([entry_document(), entry_document()])
    assert (await said(eve))["entries"] == 3
    assert await said(service.made.token("otto", Role.ADMIN)) is None
    done = await service.ask("POST", f"/v1/acts/{lift}/approve", token=eve)
    assert (done.status, await said(eve)) == (200, None)


async def test_a_hold_that_covers_more_than_is_counted_says_so(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold_extent, "_PAGE", 1)
    monkeypatch.setattr(hold_extent, "MAX_COUNTED", 1)
    dana = service.made.token("dana", Role.DPO)
    lift, _ = await two_acts(service, dana)
    await service.append(entry_document())
    told = (await service.get(f"/v1/acts/{lift}", dana)).json()["said"]
    assert (told["entries"], told["entries_or_more"]) == (1, True)


async def test_an_act_whose_hold_can_not_be_read_is_shown_without_its_reach(service: Service) -> None:
    dana = service.made.token("dana", Role.DPO)
    lift, _ = await two_acts(service, dana)
    with service.made.parts.database.write() as connection:
        connection.execute(update(holds).values(payload=b"of another keyring"))
    shown = await service.get(f"/v1/acts/{lift}", dana)
    assert (shown.status, "entries" in shown.json()["said"]) == (200, False)


@pytest.mark.parametrize(
    "query", ["?kind=", "?kind=murder", "?state=asleep", "?limit=0", "?limit=501", "?before=x", "?colour=red"]
)
async def test_what_is_no_filter_is_refused(service: Service, query: str) -> None:
    answer = await service.get(f"/v1/acts{query}", service.made.token("dana", Role.DPO))
    assert (answer.status, answer.slug) == (400, "bad-parameter")


async def test_only_data_protection_officers_list_them(service: Service) -> None:
    for token in (service.token, service.auditor):
        assert (await service.get("/v1/acts", token)).status == 403
    assert (await service.get("/v1/acts")).status == 401


async def test_who_approves_a_grant_is_told_what_is_granted(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=True)
    async with running_log(tmp_path / "log", settings=settings) as made, serve(made) as service:
        otto, ida = (made.token(name, Role.ADMIN) for name in ("otto", "ida"))
        body = b'{"name": "otto", "roles": ["dpo"]}'
        asked = await service.ask("POST", "/v1/tokens", body, otto, Content_Type="application/json")
        act = await service.get(f"/v1/acts/{asked.json()['act']['act']}", ida)
        assert "dpo" in act.body.decode()

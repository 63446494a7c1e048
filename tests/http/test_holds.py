"""Holds over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.http.service import Answer, Service
from tests.support import entry_document
from tlog.storage.roles import Role

BODY = {"kind": "legal-hold", "case": "C-17/26", "reason": "claim", "authorised_by": "Dana Officer", "source": "clinic"}
ERASE = {"subject": "p-4711", "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}


def dpo(service: Service, name: str = "dana") -> str:
    return service.made.token(name, Role.DPO)


async def post(service: Service, path: str, token: str, body: dict[str, Any]) -> Answer:
    given = {name: value for name, value in body.items() if value is not None}
    return await service.ask("POST", path, json.dumps(given).encode(), token, Content_Type="application/json")


async def test_a_hold_is_placed_shown_in_entries_and_lifted(service: Service) -> None:
    token = dpo(service)
    await service.append(entry_document())
    placed = await post(service, "/v1/holds", token, BODY)
    assert placed.status == 201
    hold = placed.json()
    assert (hold["kind"], hold["case"], hold["on_subject"], hold["source"]) == (
        "legal-hold",
        "C-17/26",
        False,
        "clinic",
    )
    assert hold["entries"] == 1
    hold["entries"] = None  # it is counted only when a hold is placed
    assert (await service.get("/v1/holds", token)).json() == {"holds": [hold]}
    assert (await service.get("/v1/entries/0", service.auditor)).json()["on_hold"] is True
    refused = await post(service, "/v1/erasures", token, ERASE)
    assert (refused.status, refused.slug) == (409, "held")
    assert "p-4711" not in refused.body.decode()
    lifted = await post(service, "/v1/holds/lift", token, {"case": "C-17/26", "reason": "over", "authorised_by": "D"})
    assert (lifted.status, [act["state"] for act in lifted.json()["acts"]]) == (200, ["done"])
    assert (await service.get("/v1/holds", token)).json() == {"holds": []}
    [kept] = (await service.get("/v1/holds?all=1", token)).json()["holds"]
    assert kept["lifted_at"] is not None
    assert (await service.get("/v1/entries/0", service.auditor)).json()["on_hold"] is False
    assert (await post(service, "/v1/erasures", token, ERASE)).json()["status"] == "done"


async def test_a_day_is_a_window(service: Service) -> None:
    body = BODY | {"source": None, "occurred_from": "2026-03-01", "occurred_to": "2026-03-02"}
    await service.append(entry_document())
    await service.append(entry_document(occurred_at="2026-03-02T00:00:00.000000Z"))
    hold = (await post(service, "/v1/holds", dpo(service), body)).json()
    assert hold["occurred_to"] == "2026-03-02T00:00:00.000000Z"
    entries = [(await service.get(f"/v1/entries/{index}", service.auditor)).json() for index in (0, 1)]
    assert [entry["on_hold"] for entry in entries] == [True, False]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": "forever"}, "kind"),
        ({"case": None}, "case"),
        ({"ground": "b"}, "ground"),
        ({"source": None}, "scope"),
        ({"occurred_from": "yesterday"}, "occurred_from"),
        ({"subject": "anna-4711", "reason": "anna-4711 sues"}, "reason"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_bad_hold_is_named_and_not_quoted(service: Service, changed: dict[str, Any], said: str) -> None:
    refused = await post(service, "/v1/holds", dpo(service), BODY | changed)
    assert refused.status == 400
    assert said in refused.body.decode()
    assert "anna-4711" not in refused.body.decode()
    assert (await service.get("/v1/holds", dpo(service))).json() == {"holds": []}


async def test_only_data_protection_officers_hold(service: Service) -> None:
    for token in (service.token, service.auditor):
        assert (await post(service, "/v1/holds", token, BODY)).status == 403
        assert (await service.get("/v1/holds", token)).status == 403
        assert (
            await post(service, "/v1/holds/lift", token, {"hold": 1, "reason": "x", "authorised_by": "x"})
        ).status == 403


@pytest.mark.parametrize(("which", "status"), [({"hold": 9}, 404), ({"case": "C-9"}, 404), ({}, 400)])
async def test_what_is_not_held_is_not_lifted(service: Service, which: dict[str, Any], status: int) -> None:
    body = which | {"reason": "over", "authorised_by": "Dana"}
    assert (await post(service, "/v1/holds/lift", dpo(service), body)).status == status

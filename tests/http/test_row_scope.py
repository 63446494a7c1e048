"""Rows somebody is limited to, over HTTP: by index, by id, in searches and in evidence, for every role."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from tests.http.own_entries import stored_own
from tests.http.service import JSON, Answer, Service
from tests.support import entry_document
from tlog.service.lookup import LookUp
from tlog.storage.roles import EVERYTHING, Role, RowScope
from tlog.storage.token_store import NewToken

KINDS = [("clinic", "standard"), ("shop", "standard"), ("clinic", "long"), ("shop", "long")]
SCOPES = [
    (EVERYTHING, {0, 1, 2, 3}),
    (RowScope(frozenset({"shop"})), {1, 3}),
    (RowScope(frozenset({"shop", "clinic"})), {0, 1, 2, 3}),
    (RowScope(None, frozenset({"long"})), {2, 3}),
    (RowScope(frozenset({"shop"}), frozenset({"long"})), {3}),
    (RowScope(frozenset({"nobody"})), set()),
]
READERS = [Role.READER, Role.AUDITOR, Role.DPO]


async def filled(service: Service) -> list[str]:
    """An entry of each source and class, published, at the indices 0 to 3; returns their ids."""
    ids = []
    for source, retention in KINDS:
        document = entry_document(source=source, retention=retention)
        answer = await service.append(document, "/v1/entries?wait=witnessed", service.made.token(source))
        ids.append(answer.json()["entries"][0]["id"])
    return ids


def token(service: Service, role: Role, scope: RowScope) -> str:
    return service.made.log.tokens.issue(NewToken("tim", frozenset({role}), scope))[1]


async def search(service: Service, asked: str, **filters: Any) -> Answer:
    return await service.ask("POST", "/v1/entries/search", json.dumps(filters).encode(), asked, Content_Type=JSON)


def found(answer: Answer) -> list[int]:
    assert answer.status == 200, answer
    return [entry["index"] for entry in answer.json()["entries"]]


@pytest.mark.parametrize(("scope", "within"), SCOPES)
async def test_by_index_by_id_and_in_searches_it_is_the_same_rows(
    service: Service, scope: RowScope, within: set[int]
) -> None:
    ids = await filled(service)
    for role in READERS:
        asked = token(service, role, scope)
        for index, entry_id in enumerate(ids):
            for path in (f"/v1/entries/{index}", f"/v1/entries/by-id/{entry_id}"):
                answer = await service.get(path, asked)
                if index in within:
                    assert (answer.status, answer.json()["index"]) == (200, index)
                else:
                    assert (answer.status, answer.slug) == (403, "forbidden")
                    assert answer.json()["detail"] == f"you read entries of {scope} only"
        newest_first = sorted(within, reverse=True)
        assert found(await search(service, asked)) == newest_first
        assert found(await search(service, asked, subject="p-4711")) == newest_first
        assert found(await search(service, asked, action="patient")) == newest_first


@pytest.mark.parametrize(("scope", "within"), SCOPES)
async def test_evidence_is_of_the_same_rows_and_of_all_or_none(
    service: Service, scope: RowScope, within: set[int]
) -> None:
    await filled(service)
    asked = token(service, Role.AUDITOR, scope)
    for index in range(4):
        answer = await service.get(f"/v1/entries/{index}/evidence", asked)
        assert answer.status == (200 if index in within else 403)
    body = json.dumps({"indices": [0, 1, 2, 3]}).encode()
    case = await service.ask("POST", "/v1/evidence", body, asked, Content_Type=JSON)
    assert case.status == (200 if len(within) == 4 else 403)
    refused = [entry for entry in stored_own(service.made, "tlog.evidence.export") if entry["outcome"] == "denied"]
    assert len(refused) == 4 - len(within) + (len(within) < 4), (
        "one for each that was refused, and one for the case file"
    )


@pytest.mark.parametrize(
    ("scope", "asked", "said"),
    [
        (RowScope(frozenset({"shop"})), {"source": "clinic"}, "source: you read entries of sources shop only"),
        (RowScope(frozenset({"shop"})), {"source": "tlog"}, "source: you read entries of sources shop only"),
        (RowScope(None, frozenset({"long"})), {"retention": "standard"}, "retention: you read entries of classes long"),
    ],
)
async def test_asking_for_what_is_outside_is_said_and_no_empty_page(
    service: Service, scope: RowScope, asked: dict[str, str], said: str
) -> None:
    await filled(service)
    answer = await search(service, token(service, Role.AUDITOR, scope), **asked)
    assert (answer.status, answer.slug) == (403, "forbidden")
    assert answer.json()["detail"].startswith(said)


@pytest.mark.parametrize("role", [*READERS, Role.WRITER])
async def test_who_read_what_is_found_by_auditors_who_ask_for_it_and_by_nobody_else(
    service: Service, role: Role
) -> None:
    await filled(service)
    await service.get("/v1/entries/0", service.auditor)
    own = stored_own(service.made, "tlog.entry.read")
    assert len(own) == 1
    asked = service.made.token("shop", role)
    visible = role in {Role.AUDITOR, Role.DPO}
    for filters in ({"source": "tlog"}, {"action": "tlog.entry"}, {"action": "tlog"}):
        answer = await search(service, asked, **filters)
        if role is Role.WRITER and "source" in filters:
            assert answer.slug == "forbidden"
        else:
            entries = [entry["entry"] for entry in answer.json()["entries"]]
            assert any(entry["id"] == own[0]["id"] for entry in entries) is visible, filters
    assert all(index < 4 for index in found(await search(service, asked)))
    by_id = await service.get(f"/v1/entries/by-id/{own[0]['id']}", asked)
    assert by_id.status == (200 if visible else 403)


async def test_a_cursor_of_somebody_who_may_see_more_is_none(service: Service) -> None:
    await filled(service)
    wide, narrow = token(service, Role.READER, EVERYTHING), token(service, Role.READER, RowScope(frozenset({"shop"})))
    following = (await search(service, wide, limit=1)).json()["next"]
    assert (await search(service, narrow, limit=1, cursor=following)).slug == "cursor-invalid"
    assert found(await search(service, wide, limit=9, cursor=following)) == [2, 1, 0]


async def test_what_is_outside_is_in_no_count(service: Service) -> None:
    await filled(service)
    asked = token(service, Role.READER, RowScope(frozenset({"shop"}), frozenset({"long"})))
    for filters in ({"subject": "p-4711"}, {"target_type": "record", "target_id": "r-55"}):
        page = (await search(service, asked, **filters)).json()
        assert (len(page["entries"]), page["scanned"]) == (1, 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/erasures", {"subject": "p-4711", "dry_run": True}),
        ("/v1/erasures", {"subject": "p-4711", "legal_basis": "GDPR Art. 17", "authorised_by": "Dana"}),
        ("/v1/holds", {"kind": "legal-hold", "case": "C-1", "reason": "r", "authorised_by": "D", "source": "clinic"}),
        ("/v1/holds/lift", {"case": "C-1", "reason": "r", "authorised_by": "D"}),
        ("/v1/retention/run", {"authorised_by": "Dana"}),
    ],
)
async def test_who_is_limited_destroys_and_protects_nothing(service: Service, path: str, body: dict[str, Any]) -> None:
    await filled(service)
    asked = token(service, Role.DPO, RowScope(frozenset({"shop"})))
    answer = await service.ask("POST", path, json.dumps(body).encode(), asked, Content_Type=JSON)
    assert (answer.status, answer.slug) == (403, "forbidden")
    assert "p-4711" in (await service.get("/v1/entries/0", service.auditor)).body.decode()


async def test_who_is_erased_while_they_are_looked_up_does_not_come_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(service)
    reached, erased, page = threading.Event(), threading.Event(), LookUp.page

    def waits(look_up: LookUp, *given: Any) -> Any:
        reached.set()
        assert erased.wait(20)
        return page(look_up, *given)

    monkeypatch.setattr(LookUp, "page", waits)
    looking = asyncio.create_task(search(service, service.auditor, subject="p-4711"))
    assert await asyncio.to_thread(reached.wait, 20)
    body = {"subject": "p-4711", "legal_basis": "GDPR Art. 17", "authorised_by": "Dana"}
    dana = service.made.token("dana", Role.DPO)
    answer = await service.ask("POST", "/v1/erasures", json.dumps(body).encode(), dana, Content_Type=JSON)
    assert answer.json()["status"] == "done"
    erased.set()
    assert found(await looking) == []
    assert not any("subjects" in entry for entry in stored_own(service.made, "tlog.entries.search"))
    assert service.made.log.lookup.subject_key("p-4711") is None

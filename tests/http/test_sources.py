from __future__ import annotations

import pytest

from tests.conftest import on_postgres_too
from tests.http.service import Service
from tests.support import entry_document
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import NewToken


@on_postgres_too
async def test_what_each_source_sent_and_what_is_missing(service: Service) -> None:
    shop = service.made.token("shop")
    await service.append([entry_document(seq=seq) for seq in (1, 2, 5)])
    await service.append(entry_document(source="shop", seq=7), token=shop)
    said = (await service.get("/v1/sources", service.auditor)).json()["sources"]
    [clinic] = [source for source in said if source["source"] == "clinic"]
    assert (clinic["first_seq"], clinic["last_seq"], clinic["checked_to"]) == (1, 5, 5)
    assert [(gap["first"], gap["last"], gap["kind"]) for gap in clinic["gaps"]] == [(3, 4, "late")]
    assert (clinic["late"], clinic["missing"]) == (2, 0)
    assert {"clinic", "shop"} <= {source["source"] for source in said}


@on_postgres_too
async def test_who_is_limited_to_a_source_sees_that_one(service: Service) -> None:
    shop = service.made.token("shop")
    await service.append(entry_document())
    await service.append(entry_document(source="shop"), token=shop)
    limited = NewToken("jane", frozenset({Role.AUDITOR}), RowScope(frozenset({"shop"})))
    token = service.made.log.tokens.issue(limited)[1]
    said = (await service.get("/v1/sources", token)).json()["sources"]
    assert [source["source"] for source in said] == ["shop"]


@pytest.mark.parametrize("sources", [None, frozenset({"clinic"})])
async def test_who_is_limited_to_classes_sees_no_numbers(service: Service, sources: frozenset[str] | None) -> None:
    await service.append(entry_document())
    limited = NewToken("jane", frozenset({Role.AUDITOR}), RowScope(sources, frozenset({"standard"})))
    answer = await service.get("/v1/sources", service.made.log.tokens.issue(limited)[1])
    assert (answer.status, answer.slug) == (403, "forbidden")
    assert "limited to" in answer.json()["detail"]


async def test_the_logs_own_numbers_are_for_who_sees_its_own_entries(service: Service) -> None:
    await service.append(entry_document())
    await service.get("/v1/entries/0", service.auditor)
    shown = {}
    for role, scope in ((Role.AUDITOR, None), (Role.DPO, None), (Role.ADMIN, None), (Role.AUDITOR, {"tlog", "clinic"})):
        new = NewToken("jane", frozenset({role}), RowScope(None if scope is None else frozenset(scope)))
        said = await service.get("/v1/sources", service.made.log.tokens.issue(new)[1])
        shown[role, scope is None] = {source["source"] for source in said.json()["sources"]}
    assert shown == {
        (Role.AUDITOR, True): {"clinic", "tlog"},
        (Role.DPO, True): {"clinic", "tlog"},
        (Role.ADMIN, True): {"clinic"},
        (Role.AUDITOR, False): {"clinic"},
    }


async def test_an_admin_may_ask_and_a_reader_may_not(service: Service) -> None:
    assert (await service.get("/v1/sources", service.made.token("otto", Role.ADMIN))).status == 200
    assert (await service.get("/v1/sources", service.made.token("tim", Role.READER))).slug == "forbidden"

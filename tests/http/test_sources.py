from __future__ import annotations

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


async def test_an_admin_may_ask_and_a_reader_may_not(service: Service) -> None:
    assert (await service.get("/v1/sources", service.made.token("otto", Role.ADMIN))).status == 200
    assert (await service.get("/v1/sources", service.made.token("tim", Role.READER))).slug == "forbidden"

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import on_postgres_too
from tests.http.own_entries import looked_up, stored_own
from tests.http.service import Answer, Service
from tests.support import entry_document
from tlog.service import accesses
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import NewToken


async def ask(service: Service, token: str, **body: Any) -> Answer:
    data = json.dumps(body).encode()
    return await service.ask("POST", "/v1/access/search", data, token, Content_Type="application/json")


async def filled(service: Service) -> tuple[str, str]:
    await service.append([entry_document(), entry_document(subjects=[{"id": "p-2"}]), entry_document()])
    return service.made.token("jane", Role.AUDITOR), service.made.token("tim", Role.READER)


@on_postgres_too
async def test_who_looked_at_an_entry(service: Service) -> None:
    jane, tim = await filled(service)
    assert (await service.get("/v1/access?index=0", jane)).json()["accesses"] == []
    assert (await service.get("/v1/entries/0", tim)).status == 200
    await service.ask("POST", "/v1/entries/search", b'{"source": "clinic"}', jane, Content_Type="application/json")
    page = (await service.get("/v1/access?index=0", jane)).json()
    assert [(each["actor"]["id"], each["operation"], each["shown"]) for each in page["accesses"]] == [
        ("jane", "searchEntries", [0]),
        ("tim", "readEntry", [0]),
    ]
    assert {each["outcome"] for each in page["accesses"]} == {"allowed"}
    only = (await service.get("/v1/access?index=1", jane)).json()["accesses"]
    assert [each["actor"]["id"] for each in only] == ["jane"]


@on_postgres_too
async def test_who_looked_at_a_persons_data(service: Service) -> None:
    jane, tim = await filled(service)
    await service.get("/v1/entries/2", tim)
    await service.get("/v1/entries/1", tim)
    await service.ask("POST", "/v1/entries/search", b'{"subject": "p-4711"}', jane, Content_Type="application/json")
    page = (await ask(service, jane, subject="p-4711")).json()
    assert [(e["actor"]["id"], e["by_name"], e["shown"]) for e in page["accesses"]] == [
        ("jane", True, [2, 0]),
        ("tim", False, [2]),
    ]
    assert (page["entries"], page["entries_or_more"]) == (2, False)
    again = (await ask(service, jane, subject="p-4711")).json()["accesses"]
    assert again[0]["action"] == "tlog.access.read", "who asks who looked, looked"


@on_postgres_too
async def test_pages_follow_each_other(service: Service) -> None:
    jane, tim = await filled(service)
    for _ in range(5):
        await service.get("/v1/entries/0", tim)
    seen: list[int] = []
    before = ""
    while True:
        page = (await service.get(f"/v1/access?index=0&limit=2{before}", jane)).json()
        seen += [each["index"] for each in page["accesses"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


async def erase(service: Service, subject: str) -> Answer:
    body = {"subject": subject, "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}
    return await post(service, "/v1/erasures", service.made.token("dana", Role.DPO), body)


async def post(service: Service, path: str, token: str, body: dict[str, Any]) -> Answer:
    return await service.ask("POST", path, json.dumps(body).encode(), token, Content_Type="application/json")


@on_postgres_too
async def test_who_looked_an_erased_person_up_is_found_for_nobody(service: Service) -> None:
    jane, _ = await filled(service)
    await ask(service, jane, subject="p-4711")
    assert (await erase(service, "p-4711")).status == 200
    page = (await ask(service, jane, subject="p-4711")).json()
    assert page == {"accesses": [], "next": None, "entries": 0, "entries_or_more": False}
    await service.append(entry_document())
    assert (await ask(service, jane, subject="p-4711")).json()["accesses"] == [], "who returns is somebody else"


@on_postgres_too
async def test_erasing_one_person_hides_nobody_who_looked_at_another(service: Service) -> None:
    """A search for one person shows an entry that is about another person, too."""
    jane = service.made.token("jane", Role.AUDITOR)
    await service.append(entry_document(subjects=[{"id": "stays"}, {"id": "goes"}]))
    tim = service.made.token("tim", Role.READER)
    assert (await post(service, "/v1/entries/search", tim, {"subject": "goes"})).status == 200
    assert (await post(service, "/v1/access/search", jane, {"subject": "goes"})).status == 200
    assert (
        await post(service, "/v1/subject-access", service.made.token("dora", Role.DPO), SUBJECT_ACCESS)
    ).status == 200
    before = await who_looked(service, jane, "stays")
    assert [(actor, shown) for actor, _, shown in before] == [("dora", [0]), ("tim", [0])]
    assert (await erase(service, "goes")).json()["status"] == "done"
    assert await who_looked(service, jane, "stays") == before
    by_index = (await service.get("/v1/access?index=0", jane)).json()["accesses"]
    assert [each["actor"]["id"] for each in by_index] == ["dora", "tim"]


SUBJECT_ACCESS = {"subject": "goes", "authorised_by": "Dana Officer"}


async def who_looked(service: Service, token: str, subject: str) -> list[tuple[str, str, list[int]]]:
    page = (await ask(service, token, subject=subject)).json()
    return [(e["actor"]["id"], e["action"], e["shown"]) for e in page["accesses"] if not e["by_name"]]


@on_postgres_too
@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("/v1/entries/search", {}),
        ("/v1/access/search", {}),
        ("/v1/erasures", {"dry_run": True}),
        ("/v1/subject-access", {"authorised_by": "Dana Officer"}),
    ],
)
async def test_whoever_is_erased_while_they_are_looked_up_does_not_come_back(
    service: Service, monkeypatch: pytest.MonkeyPatch, path: str, changed: dict[str, Any]
) -> None:
    """The erasure ends when the answer is made and its own entry is not sealed yet."""
    await filled(service)
    made, erased = service.made, []
    key_id = made.log.lookup.subject_key("p-4711")
    place: Any = made.log.acts.own if path == "/v1/subject-access" else made.log.accesses
    name = "log" if path == "/v1/subject-access" else "record"
    real = getattr(place, name)

    async def erase_before(*given: Any, **named: Any) -> int:
        monkeypatch.setattr(place, name, real)
        erased.append((await erase(service, "p-4711")).json()["status"])
        index: int = await real(*given, **named)
        return index

    monkeypatch.setattr(place, name, erase_before)
    dora = made.token("dora", Role.DPO)
    assert (await post(service, path, dora, {"subject": "p-4711", **changed})).status == 200
    assert erased == ["done"]
    last = stored_own(made)[-1]
    assert (last["actor"]["id"], looked_up(last)) == ("dora", [key_id]), "a number that leads to nobody"
    assert "p-4711" not in json.dumps(stored_own(made))
    assert made.log.lookup.subject_key("p-4711") is None
    assert made.parts.keyring.person_keys([key_id or 0]) == {}
    assert (await post(service, "/v1/entries/search", dora, {"subject": "p-4711"})).json()["entries"] == []


@pytest.mark.parametrize("body", [{}, {"subject": "p", "index": 1}, {"index": -1}, {"index": 0, "limit": 501}])
async def test_what_is_not_one_question_is_refused(service: Service, body: dict[str, Any]) -> None:
    assert (await ask(service, service.auditor, **body)).status == 400


async def test_a_target_of_a_client_is_no_access(service: Service) -> None:
    await service.append(entry_document(targets=[{"type": "entry", "id": "0"}]))
    assert (await service.get("/v1/access?index=0", service.auditor)).json()["accesses"] == []


@on_postgres_too
async def test_who_was_refused_an_entry_is_found_with_it(service: Service) -> None:
    await filled(service)
    shop = service.made.token("shop")
    assert (await service.get("/v1/entries/0", shop)).slug == "forbidden"
    [refused] = (await service.get("/v1/access?index=0", service.auditor)).json()["accesses"]
    assert (refused["outcome"], refused["actor"]["id"], refused["shown"]) == ("denied", "shop", [0])


async def test_an_index_beyond_the_log_is_not_there(service: Service) -> None:
    jane, _ = await filled(service)
    answer = await service.get("/v1/access?index=99999", jane)
    assert (answer.status, answer.slug, answer.json()["detail"]) == (404, "not-found", "there is no entry 99999")
    assert (await ask(service, jane, index=2**63 - 1)).status == 404


@on_postgres_too
async def test_who_is_limited_to_some_entries_sees_who_looked_at_these_only(service: Service) -> None:
    jane, _ = await filled(service)
    scope = RowScope(frozenset({"lab"}))
    lea = service.made.log.tokens.issue(NewToken("lea", frozenset({Role.AUDITOR}), scope))[1]
    mine = await service.append(entry_document(source="lab"), token=service.made.token("lab"))
    index = mine.json()["entries"][0]["index"]
    for number in (0, index):
        await service.get(f"/v1/entries/{number}", jane)
    await ask(service, jane, subject="p-4711")
    assert (await service.get("/v1/access?index=0", lea)).slug == "forbidden"
    assert (await ask(service, lea, index=0)).slug == "forbidden"
    page = (await ask(service, lea, subject="p-4711")).json()
    assert page["entries"] == 1
    assert [each["shown"] for each in page["accesses"]] == [[index]]
    assert (await service.get(f"/v1/access?index={index}", lea)).status == 200


@on_postgres_too
async def test_targets_of_a_client_take_no_place_of_an_access(service: Service) -> None:
    _, tim = await filled(service)
    await service.get("/v1/entries/0", tim)
    await service.append([entry_document(targets=[{"type": "entry", "id": "0"}]) for _ in range(12)])
    page = (await ask(service, service.auditor, index=0, limit=10)).json()
    assert [each["actor"]["id"] for each in page["accesses"]] == ["tim"]


@on_postgres_too
async def test_looking_somebody_up_again_and_again_hides_no_access(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    jane, tim = await filled(service)
    await service.get("/v1/entries/0", tim)
    monkeypatch.setattr(accesses, "MAX_ENTRIES", 3)
    monkeypatch.setattr(accesses, "_PAGE", 1)
    for _ in range(4):
        await ask(service, jane, subject="p-4711")
    page = (await ask(service, jane, subject="p-4711")).json()
    assert "tim" in [each["actor"]["id"] for each in page["accesses"]]


async def test_a_limited_reader_finds_nobody_by_the_number_of_a_key(service: Service) -> None:
    jane, tim = await filled(service)
    await ask(service, jane, subject="p-4711")
    number = str(service.made.log.lookup.subject_key("p-4711"))
    question = {"target_type": "person", "target_id": number}
    scope = RowScope(frozenset({"clinic"}))
    lea = service.made.log.tokens.issue(NewToken("lea", frozenset({Role.AUDITOR}), scope))[1]
    for token, found in ((tim, []), (lea, []), (service.token, []), (jane, ["tlog.access.read"])):
        page = (await post(service, "/v1/entries/search", token, question)).json()
        assert [each["entry"]["action"] for each in page["entries"]] == found

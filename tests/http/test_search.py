from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.http.service import Answer, Service
from tests.support import entry_document
from tlog.http import search
from tlog.http.openapi.document import document
from tlog.http.search_parameters import NAMES
from tlog.service.few_at_once import FewAtOnce
from tlog.service.lookup_filters import Filters
from tlog.storage.roles import Role

ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"


async def ask(service: Service, given: Mapping[str, Any], token: str = "", by: str = "POST") -> Answer:
    token = token or service.auditor
    if by == "GET":
        return await service.get(f"/v1/entries?{urlencode(given)}", token)
    body = json.dumps(given).encode()
    return await service.ask("POST", "/v1/entries/search", body, token, Content_Type="application/json")


def indices(answer: Answer) -> list[int]:
    assert answer.status == 200, answer
    return [item["index"] for item in answer.json()["entries"]]


async def append(service: Service, *documents: dict[str, Any]) -> None:
    assert (await service.append(list(documents))).status == 201


@pytest.mark.parametrize("by", ["GET", "POST"])
async def test_each_filter(service: Service, by: str) -> None:
    await append(
        service,
        entry_document(actor={"type": "employee", "id": "e-1"}, occurred_at="2026-01-10T08:00:00Z"),
        entry_document(subjects=[{"id": "p-2"}], outcome="denied", retention="long"),
        entry_document(targets=[{"type": "record", "id": "r-9"}], correlation={"request_id": "t-1"}),
        entry_document(action="patient.recorder.read"),
    )
    for given, expected in (
        ({}, [3, 2, 1, 0]),
        ({"actor_type": "employee", "actor_id": "e-1"}, [0]),
        ({"actor_type": "service", "actor_id": "e-1"}, []),
        ({"target_type": "record", "target_id": "r-9"}, [2]),
        ({"subject": "p-2"}, [1]),
        ({"subject": "e-1"}, []),
        ({"action": "patient.record"}, [2, 1, 0]),
        ({"action": "patient.recorder.read"}, [3]),
        ({"source": "clinic"}, [3, 2, 1, 0]),
        ({"source": "shop"}, []),
        ({"outcome": "denied", "retention": "long"}, [1]),
        ({"correlation": "t-1"}, [2]),
        ({"occurred_from": "2026-01-10", "occurred_to": "2026-01-11"}, [0]),
        ({"occurred_from": "2026-01-10T08:00:00Z", "occurred_to": "2026-01-10T08:00:00.000001Z"}, [0]),
        ({"occurred_from": "2026-01-10T08:00:00.000001Z", "occurred_to": "2026-01-11"}, []),
        ({"received_from": "2026-01-01"}, [3, 2, 1, 0]),
        ({"received_to": "2026-01-01"}, []),
        ({"subject": "p-4711", "actor_type": "employee", "actor_id": "e-1007", "action": "patient"}, [3, 2]),
    ):
        answer = await ask(service, given, by=by)
        assert indices(answer) == expected, given
        assert answer.headers["Cache-Control"] == "no-store"


async def test_pages_are_stable_while_entries_are_appended(service: Service) -> None:
    await append(service, *(entry_document() for _ in range(10)))
    first = await ask(service, {"limit": 4, "subject": "p-4711"})
    await append(service, *(entry_document() for _ in range(3)))
    second = await ask(service, {"limit": 4, "subject": "p-4711", "cursor": first.json()["next"]})
    third = await ask(service, {"limit": 4, "subject": "p-4711", "cursor": second.json()["next"]}, by="GET")
    assert [*indices(first), *indices(second), *indices(third)] == list(range(9, -1, -1))
    assert third.json()["next"] is None


async def test_entries_come_as_they_are_read_one_by_one(service: Service) -> None:
    await append(service, entry_document(), entry_document())
    found = (await ask(service, {})).json()["entries"]
    for item in found:
        assert item == (await service.get(f"/v1/entries/{item['index']}", service.auditor)).json()


async def test_a_source_finds_its_own_only(service: Service) -> None:
    shop = service.made.token("shop")
    await append(service, entry_document())
    await service.append(entry_document(source="shop"), token=shop)
    dpo = service.made.token("an-officer", Role.DPO)
    assert indices(await ask(service, {}, shop)) == [1]
    assert indices(await ask(service, {"source": "shop"}, shop)) == [1]
    assert indices(await ask(service, {"subject": "p-4711"}, shop)) == [1]
    assert (await ask(service, {"source": "clinic"}, shop)).slug == "forbidden"
    assert indices(await ask(service, {}, dpo)) == indices(await ask(service, {})) == [1, 0]
    assert (await service.get("/v1/entries")).slug == "unauthorized"
    next_of_all = (await ask(service, {"limit": 1})).json()["next"]
    assert (await ask(service, {"limit": 1, "cursor": next_of_all}, shop)).slug == "cursor-invalid"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"actor_id": "secret-id"}, "actor_type: missing"),
        ({"target_type": "record"}, "target_id: missing"),
        ({"actor_type": "secret type", "actor_id": "e"}, "actor_type: expected a type name"),
        ({"subject": ""}, "subject: expected a string of 1 to 512"),
        ({"subject": "secret\nid"}, "subject: expected a string of 1 to 512"),
        ({"action": "Secret"}, "action: expected a dotted"),
        ({"action": "patient."}, "action: expected a dotted"),
        ({"outcome": "secret"}, 'outcome: expected one of "allowed"'),
        ({"occurred_from": "secret"}, "occurred_from: expected an RFC 3339 time"),
        ({"occurred_from": "2026-02-30"}, "occurred_from: expected an RFC 3339 time"),
        ({"occurred_from": "2026-W10-1"}, "occurred_from: expected an RFC 3339 time"),
        ({"received_to": "2026-02-01T00:00:00+01:00"}, "received_to: expected an RFC 3339 time"),
        ({"occurred_from": "2026-02-01", "occurred_to": "2026-02-01"}, "occurred_to: not after occurred_from"),
        ({"limit": 0}, "limit: from 1 to 500"),
        ({"limit": 501}, "limit: from 1 to 500"),
        ({"cursor": "secret"}, "cursor: not the `next`"),
        ({"cursor": "s" * 65}, "cursor: from 1 to 64"),
        ({"secret": "1"}, "is not known here; known: actor_type"),
    ],
)
@pytest.mark.parametrize("by", ["GET", "POST"])
async def test_what_is_refused_is_named_and_not_repeated(
    service: Service, given: dict[str, Any], said: str, by: str
) -> None:
    answer = await ask(service, given, by=by)
    assert answer.status == 400
    assert said in answer.json()["detail"]
    assert "secret" not in answer.body.decode().lower()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "not a JSON object"),
        (b"{", "not acceptable JSON"),
        (b'{"subject": "a", "subject": "b"}', "names the same field twice"),
        (b'{"subject": 7}', "subject: expected a string"),
        (b'{"limit": "7"}', "limit: expected an integer"),
        (b'{"limit": true}', "limit: expected an integer"),
        (b'{"subject": "' + b"x" * 70_000 + b'"}', "over the limit of 65536 bytes"),
    ],
)
async def test_bodies_that_are_refused(service: Service, body: bytes, said: str) -> None:
    answer = await service.ask("POST", "/v1/entries/search", body, service.auditor, Content_Type="application/json")
    assert answer.status in {400, 413}
    assert said in answer.json()["detail"]


async def test_a_body_of_another_form_is_refused(service: Service) -> None:
    answer = await service.ask("POST", "/v1/entries/search", b"subject=1", service.auditor, Content_Type="text/plain")
    assert (answer.status, answer.slug) == (415, "unsupported-media-type")


async def test_null_is_the_same_as_left_out(service: Service) -> None:
    await append(service, entry_document())
    assert indices(await ask(service, dict.fromkeys(NAMES))) == [0]


async def test_a_damaged_entry_is_one_item_of_the_page(service: Service) -> None:
    await append(service, *(entry_document() for _ in range(3)))
    with service.made.parts.database.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET core = zeroblob(length(core)) WHERE log_index = 1")
    answer = await ask(service, {"subject": "p-4711"})
    assert indices(answer) == [2, 1, 0]
    damaged = answer.json()["entries"][1]
    assert damaged["problem"] in {"stored-data-damaged", "stored-entry-damaged"}
    assert set(damaged) == {"index", "problem", "detail"}


async def test_bare_leaves_are_never_found(leaf_service: Service) -> None:
    await leaf_service.add(bytes(32))
    await append(leaf_service, entry_document())
    await leaf_service.add(bytes([1]) * 32)
    for given in ({}, {"received_from": "2026-01-01"}, {"source": "clinic"}):
        assert indices(await ask(leaf_service, given)) == [1]


async def test_an_entry_by_its_id(service: Service) -> None:
    await append(service, entry_document(), entry_document(id=ID))
    answer = await service.get(f"/v1/entries/by-id/{ID}", service.auditor)
    assert answer.json() == (await service.get("/v1/entries/1", service.auditor)).json()
    shop = service.made.token("shop")
    assert (await service.get(f"/v1/entries/by-id/{ID}", shop)).slug == "not-found"  # as an id that nobody has
    assert (await service.get(f"/v1/entries/by-id/{ID[:-1]}2", service.auditor)).slug == "not-found"
    assert (await service.get(f"/v1/entries/by-id/{ID}")).slug == "unauthorized"
    for wrong in (ID.upper(), ID[:-1], "1", "proof"):
        answer = await service.get(f"/v1/entries/by-id/{wrong}", service.auditor)
        assert answer.slug == "bad-parameter"
        assert "id: expected a UUIDv7" in answer.json()["detail"]


async def test_one_clients_look_ups_are_bounded_and_leave_room_for_others(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await append(service, entry_document())
    places, queued = threading.Semaphore(0), asyncio.Event()
    page, admit = service.made.log.lookup.page, FewAtOnce._admit

    def slow(filters: Filters, *arguments: Any) -> Any:
        assert filters.subject is not None or places.acquire(timeout=20)
        return page(filters, *arguments)

    def admitted(few: FewAtOnce, client: str) -> None:
        admit(few, client)
        if few._running.total() + len(few._waiting) == search.SHARE:
            asyncio.get_running_loop().call_soon(queued.set)

    monkeypatch.setattr(service.made.log.lookup, "page", slow)
    monkeypatch.setattr(FewAtOnce, "_admit", admitted)
    asked = [asyncio.create_task(ask(service, {})) for _ in range(40)]
    for answered in islice(asyncio.as_completed(asked), 40 - search.SHARE):
        refused = await answered
        assert (refused.status, refused.slug) == (429, "too-many-requests")
        assert refused.headers["Retry-After"] == "1"
    other = service.made.token("dana", Role.DPO)
    waiting = asyncio.create_task(ask(service, {"subject": "p-4711"}, other))
    await queued.wait()
    places.release()
    assert indices(await asyncio.wait_for(waiting, 20)) == [0], "it is next, though others have waited for longer"
    assert (await service.append(entry_document())).status == 201
    places.release(40)
    assert [answer.status for answer in await asyncio.gather(*asked)].count(200) == search.SHARE


def test_query_and_body_are_described_alike() -> None:
    paths = document()["paths"]
    parameters = {one["name"]: one for one in paths["/v1/entries"]["get"]["parameters"]}
    body = paths["/v1/entries/search"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(parameters) == set(body["properties"]) == set(NAMES)
    assert parameters["limit"]["schema"]["maximum"] == 500


async def test_an_erased_person_is_found_no_more_and_their_entries_by_everything_else(service: Service) -> None:
    target = {"target_type": "record", "target_id": "r-1"}
    other = entry_document(subjects=[{"id": "p-2"}], targets=[{"type": "record", "id": "r-1"}])
    await append(service, entry_document(targets=other["targets"], correlation={"trace_id": "t-1"}), other)
    token = service.made.token("an-officer", Role.DPO)
    asked = {"subject": "p-4711", "legal_basis": "GDPR Art. 17(1)(b)", "authorised_by": "Dana Officer"}
    kind = {"Content_Type": "application/json"}
    erased = await service.ask("POST", "/v1/erasures", json.dumps(asked).encode(), token, **kind)
    assert erased.status == 200
    for given in ({"subject": "p-4711"}, {"correlation": "t-1"}):
        assert indices(await ask(service, given)) == []
    assert indices(await ask(service, target)) == [1]
    for given in ({"actor_type": "employee", "actor_id": "e-1007"}, {"action": "patient"}, {"source": "clinic"}):
        assert indices(await ask(service, given)) == [1, 0]
    shown = (await ask(service, {"source": "clinic"})).json()["entries"][1]
    assert (shown["entry"]["subjects"], shown["erased"]) == ([None], ["subjects[0]", "shared"])
    assert [one["part"] for one in shown["erasures"]] == ["subjects[0]", "shared"]

    again = (await service.append(entry_document())).json()["entries"][0]["index"]
    assert indices(await ask(service, {"subject": "p-4711"})) == [again]

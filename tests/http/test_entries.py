from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import msgspec
import pytest

from tests.http.service import NDJSON, Service, serve
from tests.support import entry_document, running_log
from tlog.formats.policy import WitnessLine
from tlog.formats.vkey import SignatureType, VKey
from tlog.http.answers.entries import Appended, EntryAnswer
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role


async def test_one_entry_is_stored(service: Service) -> None:
    answer = await service.append(entry_document())
    assert answer.status == 201
    appended = msgspec.json.decode(answer.body, type=Appended)
    assert appended.status == "durable"
    assert [(place.index, place.duplicate) for place in appended.entries] == [(0, False)]
    assert service.size() == 1


@pytest.mark.parametrize("kind", ["application/json", NDJSON, "Application/JSON; charset=utf-8"])
async def test_many_entries_have_consecutive_indices(service: Service, kind: str) -> None:
    documents = [entry_document() for _ in range(5)]
    body = "\n".join(json.dumps(d) for d in documents) if kind == NDJSON else json.dumps(documents)
    answer = await service.append(body.encode(), kind=kind)
    assert answer.status == 201
    assert [place["index"] for place in answer.json()["entries"]] == [0, 1, 2, 3, 4]


async def test_a_large_batch_is_parsed_off_the_loop_and_stored(service: Service) -> None:
    answer = await service.append([entry_document() for _ in range(300)])
    assert answer.status == 201
    assert len(answer.json()["entries"]) == service.size() == 300


@pytest.mark.parametrize("stage", ["integrated", "witnessed"])
async def test_waiting_for_a_stage(service: Service, stage: str) -> None:
    answer = await service.append(entry_document(), f"/v1/entries?wait={stage}&timeout=20")
    assert (answer.status, answer.json()["status"]) == (201, stage)
    publisher = service.made.log.publisher
    assert (publisher.integrated if stage == "integrated" else publisher.witnessed).size == 1


async def test_a_retry_is_answered_with_the_first_index(service: Service) -> None:
    document = entry_document(id="019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11")
    assert (await service.append(document)).status == 201
    again = await service.append(document)
    assert again.status == 200
    assert again.json()["entries"] == [{"index": 0, "id": document["id"], "duplicate": True}]
    mixed = await service.append([document, entry_document()])
    assert mixed.status == 201
    assert [(p["index"], p["duplicate"]) for p in mixed.json()["entries"]] == [(0, True), (1, False)]


async def test_an_id_with_other_content_is_a_conflict(service: Service) -> None:
    document = entry_document(id="019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11")
    await service.append(document)
    answer = await service.append(document | {"purpose": "billing"})
    assert (answer.status, answer.slug) == (409, "conflict")
    assert service.size() == 1


async def test_a_stage_not_reached_in_time_says_stored(tmp_path: Path) -> None:
    """The quorum needs a witness that does not exist: the entry is durable, and the answer must say so."""
    vkey = VKey("w.example", SignatureType.COSIGNATURE_ML_DSA_44, bytes(1312))
    witness = WitnessLine(b"w", vkey, "http://127.0.0.1:1/")
    settings = LogSettings(quorum_timeout=0.2, checkpoint_interval=0.02, sealing_processes=0)
    log = running_log(tmp_path, witnesses=[witness], quorum=b"w", settings=settings)
    async with log as made, serve(made) as service:
        answer = await service.append(entry_document(), "/v1/entries?wait=witnessed&timeout=1")
        assert answer.status == 202
        assert answer.json()["status"] == "durable"
        assert "not witnessed within 1 seconds" in answer.json()["note"]
        assert service.size() == 1
        proof = await service.get("/v1/entries/0/proof")
        assert (proof.status, proof.slug) == (404, "not-found")
        assert (await service.get("/checkpoint")).slug == "not-found"


async def test_a_halted_log_that_stored_says_stored(service: Service) -> None:
    publisher = service.made.log.publisher
    publisher.halted, publisher.problem = True, "a witness knows more"
    answer = await service.append(entry_document(), "/v1/entries?wait=witnessed")
    assert answer.status == 202
    assert "halted" in answer.json()["note"]


async def test_an_entry_is_read_back_with_its_disclosures(service: Service) -> None:
    document = entry_document()
    await service.append(document)
    answer = await service.get("/v1/entries/0", service.token)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    read = msgspec.json.decode(answer.body, type=EntryAnswer)
    assert {name: read.entry[name] for name in document} == document
    assert (read.erased, read.erased_digests) == ([], [])
    digests = sorted(hashlib.sha256(text.encode()).digest() for text in read.disclosures.values())
    leaf = hashlib.sha256(b"tlog-audit/v1 leaf\n" + b"".join(digests)).digest()
    assert base64.b64decode(read.leaf) == leaf == service.made.log.store.leaves(0, 1)[0]


async def test_who_may_read_an_entry(service: Service) -> None:
    await service.append(entry_document())
    other = service.made.token("shop")
    assert (await service.get("/v1/entries/0", service.auditor)).status == 200
    assert (await service.get("/v1/entries/0", other)).slug == "forbidden"
    assert (await service.get("/v1/entries/0")).slug == "unauthorized"


async def test_entries_that_are_not_there(leaf_service: Service) -> None:
    await leaf_service.add(bytes(32))
    assert (await leaf_service.get("/v1/entries/7", leaf_service.auditor)).slug == "not-found"
    bare = await leaf_service.get("/v1/entries/0", leaf_service.auditor)
    assert (bare.status, bare.slug) == (404, "bare-leaf")
    assert "bare leaf" in bare.json()["detail"]
    for index in ("x", "-1", "007", "1e3", str(2**63)):
        answer = await leaf_service.get(f"/v1/entries/{index}", leaf_service.auditor)
        assert (answer.status, answer.slug) == (400, "bad-parameter")


@pytest.mark.parametrize(
    "change", ["UPDATE entries SET leaf = zeroblob(32)", "UPDATE entries SET core = zeroblob(length(core))"]
)
async def test_a_changed_row_is_not_shown(service: Service, change: str) -> None:
    """An entry that no longer matches its leaf is a fault of the log, never an answer."""
    await service.append(entry_document())
    with service.made.parts.database.write() as connection:
        connection.exec_driver_sql(change)
    answer = await service.get("/v1/entries/0", service.auditor)
    assert answer.status == 500
    assert answer.slug in {"stored-data-damaged", "stored-entry-damaged"}


async def test_an_auditor_does_not_append(service: Service) -> None:
    answer = await service.append(entry_document(), token=service.auditor)
    assert (answer.status, answer.slug) == (403, "forbidden")
    other = service.made.token("shop", Role.WRITER)
    answer = await service.append([entry_document(source="shop"), entry_document()], token=other)
    assert (answer.status, answer.slug) == (403, "forbidden")
    assert "first: [1]" in answer.json()["detail"]
    assert service.size() == 0

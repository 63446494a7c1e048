from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.http.service import Service, serve
from tests.support import TAKES_LEAVES, entry_document, make_log, running_log
from tlog.formats.policy import WitnessLine
from tlog.formats.vkey import SignatureType, VKey
from tlog.service.settings import LogSettings

WITNESS = "http://127.0.0.1:1/"


@pytest.fixture
async def starting(tmp_path: Path) -> AsyncIterator[Service]:
    """A served log that is open but not started."""
    made = make_log(tmp_path / "log", settings=TAKES_LEAVES)
    async with serve(made) as served:
        yield served
    await made.log.sequencer.stop()
    made.close()


@pytest.fixture
async def unwitnessed(tmp_path: Path) -> AsyncIterator[Service]:
    """A served log whose one witness does not answer."""
    vkey = VKey("w.example", SignatureType.COSIGNATURE_ML_DSA_44, bytes(1312))
    settings = LogSettings(quorum_timeout=0.2, checkpoint_interval=0.02, sealing_processes=0)
    log = running_log(tmp_path, witnesses=[WitnessLine(b"w", vkey, WITNESS)], quorum=b"w", settings=settings)
    async with log as made, serve(made) as served:
        yield served


async def figures(service: Service) -> dict[str, float]:
    """Every sample of /metrics by its name and labels."""
    answer = await service.get("/metrics")
    assert answer.status == 200
    families = text_string_to_metric_families(answer.body.decode())
    return {
        ",".join([sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))]): sample.value
        for family in families
        for sample in family.samples
    }


async def test_a_log_at_work_is_ready(service: Service) -> None:
    assert (await service.get("/healthz")).body == b"ok\n"
    answer = await service.get("/readyz")
    assert (answer.status, answer.json()) == (200, {"ready": True, "reason": None})


async def test_a_log_that_is_starting(starting: Service) -> None:
    assert (await starting.get("/healthz")).status == 200
    ready = await starting.get("/readyz")
    assert (ready.status, ready.json()["reason"]) == (503, "the log is starting")
    for answer in (
        await starting.append(entry_document()),
        await starting.add(bytes(32)),
        await starting.get("/checkpoint"),
        await starting.get("/tile/0/000"),
        await starting.get("/v1/entries/0/proof"),
        await starting.get("/v1/proofs/inclusion?index=0"),
    ):
        assert (answer.status, answer.slug) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert (await figures(starting))["tlog_tree_size,stage=sequenced"] == 0


async def test_a_log_without_its_quorum_is_not_ready(unwitnessed: Service) -> None:
    assert (await unwitnessed.append(entry_document())).status == 201
    ready = await unwitnessed.get("/readyz")
    assert ready.status == 503
    assert "no quorum" in ready.json()["reason"]
    found = await figures(unwitnessed)
    for url in unwitnessed.made.log.witnesses.status:
        assert found[f"tlog_witness_size,witness={url}"] == 0
        assert found[f"tlog_witness_cosigned_timestamp_seconds,witness={url}"] == 0
    assert WITNESS.rstrip("/") in {name.partition("witness=")[2].rstrip("/") for name in found}


async def test_a_halted_log_refuses_and_says_why(leaf_service: Service) -> None:
    log = leaf_service.made.log
    log.publisher.halted, log.publisher.problem = True, "a witness knows a larger tree"
    log.sequencer.halt("a witness knows a larger tree")
    ready = await leaf_service.get("/readyz")
    assert ready.status == 503
    assert ready.json()["reason"] == "the log halted: a witness knows a larger tree"
    for answer in (await leaf_service.append(entry_document()), await leaf_service.add(bytes(32))):
        assert (answer.status, answer.slug) == (503, "log-halted")
        assert "Retry-After" not in answer.headers
    assert (await figures(leaf_service))["tlog_halted"] == 1
    assert (await leaf_service.get("/checkpoint")).status == 200


async def test_what_is_counted(leaf_service: Service) -> None:
    document = entry_document(id="019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11")
    await leaf_service.append([document, entry_document()])
    await leaf_service.append(document)
    await leaf_service.add(bytes(32))
    await leaf_service.append(b"{")
    await leaf_service.append(entry_document(), token="x" * 40)
    await leaf_service.published(4)  # with the own entry of the refused attempt
    found = await figures(leaf_service)
    assert found["tlog_appended_total"] == 3
    assert found["tlog_duplicates_total"] == 1
    assert found["tlog_refused_total,reason=entry-invalid"] == 1
    assert found["tlog_refused_total,reason=unauthorized"] == 1
    assert [found[f"tlog_tree_size,stage={s}"] for s in ("sequenced", "integrated", "witnessed")] == [4, 4, 4]
    assert found["tlog_queue_entries"] == found["tlog_queue_bytes"] == 0
    assert found["tlog_http_request_seconds_count,method=POST,route=/add,status=200"] == 1
    assert found["tlog_http_request_seconds_count,method=POST,route=/v1/entries,status=201"] == 1


async def test_labels_are_bounded(service: Service) -> None:
    """What clients choose names no series: a million odd paths or methods are a handful of lines."""

    async def series() -> set[str]:
        return set(await figures(service))

    async def oddities(number: int) -> None:
        await service.get(f"/nope/{number}")
        await service.get(f"/v1/entries/{number}", service.auditor)
        await service.get(f"/tile/0/{number:03}")
        await service.ask(f"ODD{number}", "/add")

    await oddities(1)
    await series()
    before = await series()
    for number in range(2, 12):
        await oddities(number)
    assert await series() == before

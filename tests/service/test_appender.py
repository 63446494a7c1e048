"""Append requests end to end, sealed in this process and in processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from tests.support import append_request, entry_document, running_log
from tlog.audit.entry import NDJSON
from tlog.errors import Conflict, EntryInvalid, Forbidden, TooLarge
from tlog.service import sealing
from tlog.service.intake import MAX_ENTRIES, AppendRequest
from tlog.service.settings import LogSettings

LARGE = 200  # entries: over the size that goes to a sealing process


def request_of(*documents: object, source: str = "clinic") -> AppendRequest:
    return AppendRequest("\n".join(json.dumps(d) for d in documents).encode(), NDJSON, source)


@pytest.fixture(params=[0, 1], ids=["sealed here", "sealed in a process"])
def settings(request: pytest.FixtureRequest) -> LogSettings:
    return LogSettings(checkpoint_interval=0.02, sealing_processes=request.param)


async def test_large_and_small_requests_get_consecutive_indices(settings: LogSettings, tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings) as made:
        placed = await asyncio.gather(*(made.log.appender.append(append_request(n)) for n in (LARGE, 1, LARGE, 2)))
        indices = sorted(p.index for places in placed for p in places)
        assert indices == list(range(2 * LARGE + 3))
        for places in placed:
            assert [p.index - places[0].index for p in places] == list(range(len(places)))
        stored = made.log.entries.stored(placed[2][7].index)
        assert made.log.entries.opened(stored).entry["id"] == placed[2][7].id


@pytest.mark.parametrize("count", [1, LARGE])
async def test_a_retry_is_answered_with_the_first_indices(count: int, settings: LogSettings, tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings) as made:
        ids = [f"019a52c8-2f64-7d1c-a3b8-{i:012x}" for i in range(count)]
        documents = [entry_document(id=i) for i in ids]
        first = await made.log.appender.append(request_of(*documents))
        more = entry_document()
        again = await made.log.appender.append(request_of(*documents, more))
        assert [(p.id, p.index, p.duplicate) for p in again[:count]] == [(p.id, p.index, True) for p in first]
        assert (again[count].index, again[count].duplicate) == (count, False)
        assert made.log.store.state().size == count + 1


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "other"},
        {"details": {"a": 1}},
        {"subjects": []},
        {"actor": {"type": "employee", "id": "e-9"}},
        {"targets": []},
        {"retention": "long"},
        {"authorization": {"policy": "p"}},
    ],
)
async def test_a_known_id_with_other_content_is_a_conflict(change: dict[str, object], tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        document = entry_document(id="019a52c8-2f64-7d1c-a3b8-000000000001")
        await made.log.appender.append(request_of(document))
        with pytest.raises(Conflict, match="already, with other content"):
            await made.log.appender.append(request_of(entry_document(), document | change))
        assert made.log.store.state().size == 1


@pytest.mark.parametrize(("first", "second"), [(True, 1), (1, 1.0), ("1", 1), (0, False), ([], {}), (None, False)])
async def test_a_value_of_another_type_is_other_content(first: object, second: object, tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        document = entry_document(id="019a52c8-2f64-7d1c-a3b8-000000000001", details={"paid": first, "n": 1})
        await made.log.appender.append(request_of(document))
        with pytest.raises(Conflict):
            await made.log.appender.append(request_of(document | {"details": {"paid": second, "n": 1}}))


async def test_the_same_content_in_another_spelling_is_the_same_entry(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        document = entry_document(id="019a52c8-2f64-7d1c-a3b8-000000000001", details={"a": [1, 2], "b": None})
        await made.log.appender.append(request_of(document))
        spelled = dict(reversed(document.items())) | {"retention": "standard", "legal_basis": None}
        body = json.dumps(spelled, indent=2, ensure_ascii=False).encode()
        again = await made.log.appender.append(AppendRequest(body, "application/json", "clinic"))
        assert [(p.index, p.duplicate) for p in again] == [(0, True)]


async def test_a_seq_of_another_entry_is_a_conflict(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        document = entry_document()
        await made.log.appender.append(request_of(document))
        with pytest.raises(Conflict, match=f"seq {document['seq']} of source clinic"):
            await made.log.appender.append(request_of(document))
        assert made.log.store.state().size == 1


@pytest.mark.parametrize("count", [2, LARGE])
async def test_one_bad_entry_refuses_the_whole_request(count: int, settings: LogSettings, tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings) as made:
        good = [entry_document() for _ in range(count)]
        twice = entry_document(id="019a52c8-2f64-7d1c-a3b8-000000000001")
        for bad, error, clue in (
            ([*good, entry_document(outcome="maybe")], EntryInvalid, rf"\[{count}\].outcome"),
            ([*good, entry_document(source="shop")], Forbidden, f"1 of {count + 1} entries"),
            ([twice, *good, twice], EntryInvalid, rf"\[{count + 1}\].id: the same id as \[0\]"),
            ([{}] * (MAX_ENTRIES + 1), TooLarge, "the limit is 10000"),
        ):
            with pytest.raises(error, match=clue):
                await made.log.appender.append(request_of(*bad))
        assert made.log.store.state().size == 0
        assert (made.log.sequencer.pending_entries, made.log.sequencer.pending_bytes) == (0, 0)


async def test_a_killed_sealing_process_costs_no_request(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=1)
    async with running_log(tmp_path, settings=settings) as made:
        await made.log.appender.append(append_request(LARGE))
        pool = made.log._sealing._pool
        assert pool is not None
        for pid in list(pool._processes):
            os.kill(pid, signal.SIGKILL)
        placed = await asyncio.gather(*(made.log.appender.append(append_request(LARGE)) for _ in range(4)))
        assert sorted(p.index for places in placed for p in places) == list(range(LARGE, 5 * LARGE))
        assert made.log._sealing._pool is not pool


async def test_a_stopped_sealing_process_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "POOL_SECONDS", 1.0)
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=1)
    async with running_log(tmp_path, settings=settings) as made:
        await made.log.appender.append(append_request(LARGE))
        pool = made.log._sealing._pool
        assert pool is not None
        for pid in list(pool._processes):
            os.kill(pid, signal.SIGSTOP)
        placed = await asyncio.gather(*(made.log.appender.append(append_request(LARGE)) for _ in range(3)))
        assert sorted(p.index for places in placed for p in places) == list(range(LARGE, 4 * LARGE))
        assert made.log._sealing._pool is not pool

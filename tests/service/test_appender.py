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
from tlog.errors import Conflict, EntryInvalid, Forbidden, TooLarge, Unavailable
from tlog.service import sealing
from tlog.service.intake import MAX_ENTRIES, AppendRequest
from tlog.service.retention_rules import RetentionClass
from tlog.service.settings import LogSettings

LARGE = 200  # entries: over the size that goes to a sealing process


def request_of(*documents: object, source: str = "clinic") -> AppendRequest:
    return AppendRequest("\n".join(json.dumps(d) for d in documents).encode(), NDJSON, frozenset({source}))


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
        again = await made.log.appender.append(AppendRequest(body, "application/json", frozenset({"clinic"})))
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


@pytest.mark.parametrize("count", [2, LARGE])
async def test_a_refused_retention_class_leaves_no_key(count: int, settings: LogSettings, tmp_path: Path) -> None:
    classes = {"standard": RetentionClass("standard", 1200, "a century")}
    async with running_log(tmp_path, settings=settings, retention=classes) as made:
        keyring = made.parts.keyring
        bad = [entry_document(retention=f"c-{i}", subjects=[{"id": f"p-{i}"}]) for i in range(count)]
        with pytest.raises(EntryInvalid, match="retention: not a retention class of this log; it has standard"):
            await made.log.appender.append(request_of(entry_document(), *bad))
        assert (keyring.cohort_names(), keyring.person_key_ids(-1, 10)) == ([], [])
        await made.log.appender.append(append_request(count))
        assert len(keyring.cohort_names()) == 1


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


@pytest.mark.parametrize("count", [1, LARGE])
async def test_nothing_is_stored_under_a_withdrawn_key(count: int, settings: LogSettings, tmp_path: Path) -> None:
    """The keys are cached, here and in the sealing processes, when somebody is erased."""
    async with running_log(tmp_path, settings=settings) as made:
        log, keyring = made.log, made.parts.keyring
        first = await log.appender.append(append_request(count))
        old = log.store.entry(first[0].index).personal[1].key_id
        assert old is not None
        await asyncio.to_thread(keyring.withdraw_person, old)
        await asyncio.to_thread(log.store.advance_epoch)
        placed = await asyncio.gather(*(log.appender.append(append_request(n)) for n in (count, 1, count)))
        rows = log.store.entries_at([p.index for places in placed for p in places])
        used = {row.personal[1].key_id for row in rows.values()}
        assert used == {keyring.find_person("subject", "p-4711")}
        assert old not in used
        assert len(rows) == 2 * count + 1
        assert log.store.state().size == 3 * count + 1, "what was refused left nothing behind"


def cached() -> tuple[int, int]:
    """Return how many keys of persons and cohorts the sealing process that this runs in has in memory."""
    keyring = sealing._sealer._keyring
    return len(keyring._persons), len(keyring._cohorts)


async def test_a_sealing_process_without_requests_forgets_keys_too(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=1)
    async with running_log(tmp_path, settings=settings) as made:
        placed = await made.log.appender.append(append_request(LARGE))
        pool, loop = made.log._sealing._pool, asyncio.get_running_loop()
        assert pool is not None
        assert await loop.run_in_executor(pool, cached) == (2, 1)
        old = made.log.store.entry(placed[0].index).personal[1].key_id
        assert old is not None
        await asyncio.to_thread(made.parts.keyring.withdraw_person, old)
        await asyncio.to_thread(made.log.store.advance_epoch)
        async with asyncio.timeout(10):
            while await loop.run_in_executor(pool, cached) != (0, 0):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert made.log._sealing.epoch == 1, "and the next request is sealed in the new epoch at once"


async def test_a_request_whose_keys_go_again_and_again_is_refused(tmp_path: Path) -> None:
    """Each time it comes to be stored, an erasure has begun: forced by one that begins after every sealing."""
    async with running_log(tmp_path) as made:
        log = made.log
        seal, sealings = log._sealing.seal, []

        async def sealed_too_early(request: AppendRequest) -> object:
            sealed = await seal(request)
            sealings.append(sealed.epoch)
            await asyncio.to_thread(log.store.advance_epoch)
            return sealed

        log._sealing.seal = sealed_too_early  # type: ignore[method-assign, assignment]
        with pytest.raises(Unavailable, match="again and again"):
            await log.appender.append(append_request(3))
        assert sealings == [0, 1, 2, 3, 4]
        assert log.store.state().size == 0
        log._sealing.seal = seal  # type: ignore[method-assign]
        assert [p.index for p in await log.appender.append(append_request(3))] == [0, 1, 2]


async def test_after_a_restart_the_first_request_is_sealed_in_todays_epoch(tmp_path: Path) -> None:
    async with running_log(tmp_path) as made:
        made.log.store.advance_epoch()
    async with running_log(tmp_path) as made:
        sealed = await made.log._sealing.seal(append_request(1))
        assert sealed.epoch == 1
        assert (await made.log.appender.append(append_request(1)))[0].index == 0

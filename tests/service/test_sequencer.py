"""The queue: grouped, bounded, all or none, and honest when the store fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from tlog.errors import Conflict, LogHalted, Overloaded, StorageFault, TlogError, Unavailable
from tlog.service.sequencer import Sequencer
from tlog.service.settings import LogSettings
from tlog.storage.append_store import Appended, AppendStore, NewRow, Outcome, SealedRequest


class HeldStore(AppendStore):
    """Stands where the database is, so that a test can hold a transaction open and end it as it likes."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.go = threading.Event()
        self.entered = threading.Event()
        self.size = 0
        self.fault: Exception | None = None

    def append(self, requests: Sequence[SealedRequest]) -> list[Outcome]:
        self.entered.set()
        assert self.go.wait(10)
        self.groups.append(len(requests))
        if self.fault is not None:
            raise self.fault
        outcomes: list[Outcome] = []
        for rows, *_ in requests:
            outcomes.append(Appended(self.size) if rows[0].leaf != b"conflict" else Conflict("taken"))
            self.size += len(rows)
        return outcomes


async def started(settings: LogSettings | None = None) -> tuple[Sequencer, HeldStore]:
    store = HeldStore()
    sequencer = Sequencer(store, settings or LogSettings())
    sequencer.start()
    return sequencer, store


async def send(sequencer: Sequencer, *leaves: bytes) -> object:
    with sequencer.reserve(len(leaves), sum(map(len, leaves))):
        return await sequencer.append(SealedRequest([NewRow(leaf) for leaf in leaves], 0))


async def test_what_arrives_during_one_commit_shares_the_next() -> None:
    sequencer, store = await started()
    first = asyncio.ensure_future(send(sequencer, b"0"))
    assert await asyncio.to_thread(store.entered.wait, 10)
    rest = [asyncio.ensure_future(send(sequencer, b"x")) for _ in range(50)]
    await asyncio.sleep(0)
    store.go.set()
    answers = await asyncio.gather(first, *rest)
    assert answers == [Appended(i) for i in range(51)]
    assert store.groups == [1, 50]
    await sequencer.stop()


async def test_one_conflict_refuses_one_request() -> None:
    sequencer, store = await started()
    tasks = [asyncio.ensure_future(send(sequencer, leaf)) for leaf in (b"a", b"conflict", b"c")]
    store.go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Appended, Conflict, Appended]
    await sequencer.stop()


@pytest.mark.parametrize("limit", [LogSettings(max_pending_entries=3), LogSettings(max_pending_bytes=3)])
async def test_a_full_queue_refuses_at_once_and_takes_again_when_it_is_empty(limit: LogSettings) -> None:
    sequencer, store = await started(limit)
    held = asyncio.ensure_future(send(sequencer, b"a", b"b", b"c"))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refused:
        await send(sequencer, b"d")
    assert refused.value.retry_after >= 1
    store.go.set()
    await held
    assert (sequencer.pending_entries, sequencer.pending_bytes) == (0, 0)
    assert await send(sequencer, b"d") == Appended(3)
    await sequencer.stop()


async def test_a_request_larger_than_the_queue_is_taken_alone() -> None:
    sequencer, store = await started(LogSettings(max_pending_entries=2))
    store.go.set()
    assert await send(sequencer, b"a", b"b", b"c", b"d") == Appended(0)
    await sequencer.stop()


@pytest.mark.parametrize("fault", [StorageFault("disk full"), Unavailable("locked"), ValueError("a bug")])
async def test_a_failed_commit_is_never_answered_with_an_index(fault: Exception) -> None:
    sequencer, store = await started()
    store.fault = fault
    store.go.set()
    with pytest.raises(TlogError):
        await send(sequencer, b"a")
    store.fault = None
    assert await send(sequencer, b"b") == Appended(0)
    await sequencer.stop()


async def test_a_caller_who_goes_away_does_not_undo_what_is_queued() -> None:
    sequencer, store = await started()
    held = asyncio.ensure_future(send(sequencer, b"a"))
    await asyncio.sleep(0)
    gone = asyncio.ensure_future(send(sequencer, b"b"))
    await asyncio.sleep(0)
    gone.cancel()
    store.go.set()
    await held
    assert await send(sequencer, b"c") == Appended(2)
    await sequencer.stop()


async def test_stopping_stores_what_was_queued_and_refuses_the_rest() -> None:
    sequencer, store = await started()
    queued = [asyncio.ensure_future(send(sequencer, b"x")) for _ in range(5)]
    await asyncio.sleep(0)
    stopping = asyncio.ensure_future(sequencer.stop())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await send(sequencer, b"late")
    store.go.set()
    await stopping
    assert await asyncio.gather(*queued) == [Appended(i) for i in range(5)]


async def test_a_halted_log_refuses_with_its_reason() -> None:
    sequencer, store = await started()
    held = asyncio.ensure_future(send(sequencer, b"a"))
    assert await asyncio.to_thread(store.entered.wait, 10)
    queued = asyncio.ensure_future(send(sequencer, b"b"))
    await asyncio.sleep(0)
    sequencer.halt("rolled back")
    with pytest.raises(LogHalted, match="rolled back"):
        await queued
    with pytest.raises(LogHalted, match="rolled back"):
        await send(sequencer, b"c")
    store.go.set()
    assert await held == Appended(0)
    await sequencer.stop()

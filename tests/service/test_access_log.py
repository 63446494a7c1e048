"""Accesses are entries; what can't be logged is refused; who is turned away can't fill the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.conftest import on_postgres_too
from tests.http.own_entries import looked_up, shown, stored_own
from tests.service.test_erasure import append, dpo, settings
from tests.support import MadeLog, entry_document, running_log
from tlog.audit.entry import Actor
from tlog.errors import NotLogged, Overloaded
from tlog.service.access_log import NOBODY, REFUSED, Access, AccessLog
from tlog.service.own_entries import OwnEntries

FULL = Overloaded("the append queue is full", 1)


@pytest.fixture
async def made(tmp_path: Path, urls: tuple[str, str] | None) -> AsyncIterator[MadeLog]:
    async with running_log(tmp_path, settings=settings(), urls=urls) as made:
        yield made


def access(made: MadeLog, **changed: Any) -> Access:
    values = {"action": "tlog.entry.read", "outcome": "allowed", "details": {"operation": "readEntry"}}
    return Access(dpo(made), **(values | changed))


@on_postgres_too
async def test_an_access_is_there_once_its_index_is(made: MadeLog) -> None:
    index = await made.log.accesses.record(access(made, indices=[3, 1], person=4711))
    [entry] = stored_own(made)
    assert made.log.store.state().size == index + 1
    assert (entry["actor"], entry["action"]) == ({"type": "token", "id": "dana"}, "tlog.entry.read")
    assert (shown(entry), looked_up(entry)) == ([3, 1], [4711])


async def test_the_most_that_one_answer_shows_fits_into_one_entry(made: MadeLog) -> None:
    most = [2**63 - 1 - number for number in range(500)]
    await made.log.accesses.record(access(made, indices=most))
    assert shown(stored_own(made)[0]) == most


@on_postgres_too
async def test_accesses_at_once_are_all_there_without_gaps(made: MadeLog) -> None:
    indices = await asyncio.gather(*(made.log.accesses.record(access(made, indices=[n])) for n in range(400)))
    entries = stored_own(made)
    assert sorted(indices) == list(range(400))
    assert [entry["seq"] for entry in entries] == list(range(400))
    assert sorted(shown(entry)[0] for entry in entries) == list(range(400))


async def test_a_full_queue_refuses_at_once(made: MadeLog) -> None:
    said = "what can't be logged is not served: the append queue is full"
    full = made.log.sequencer.reserve(made.log.settings.max_pending_entries, 0)
    with full, pytest.raises(NotLogged, match=said):
        await asyncio.wait_for(made.log.accesses.record(access(made)), 10)
    assert await made.log.accesses.record(access(made)) == 0


async def test_an_act_that_waits_for_a_full_queue_keeps_no_read_waiting(
    made: MadeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The act tries again for a minute; a read is refused, or answered, meanwhile."""
    asleep, go_on = asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        asleep.set()
        await go_on.wait()

    with made.log.sequencer.reserve(made.log.settings.max_pending_entries, 0):
        with monkeypatch.context() as patch:
            patch.setattr("tlog.service.own_entries.asyncio.sleep", sleep)
            act = asyncio.create_task(made.log.acts.own.note(NOBODY, "tlog.test", {}, purpose="a test"))
            await asleep.wait()
        with pytest.raises(NotLogged):
            await asyncio.wait_for(made.log.accesses.record(access(made)), 10)
    assert await asyncio.wait_for(made.log.accesses.record(access(made)), 10) == 0
    go_on.set()
    assert await act == 1


async def test_what_is_refused_leaves_no_gap_in_the_numbers(made: MadeLog) -> None:
    await made.log.accesses.record(access(made))
    with pytest.raises(NotLogged):
        await made.log.accesses.record(access(made, details={"text": "x" * 70_000}))
    await made.log.accesses.record(access(made))
    assert [entry["seq"] for entry in stored_own(made)] == [0, 1]


@on_postgres_too
async def test_one_that_can_never_be_stored_keeps_no_other_of_its_moment_back(made: MadeLog) -> None:
    bad, good = access(made, details={"text": "x" * 70_000}), access(made)
    ends = await asyncio.gather(
        *(made.log.accesses.record(one) for one in (good, bad, good, bad, good)), return_exceptions=True
    )
    assert [isinstance(end, NotLogged) for end in ends] == [False, True, False, True, False]
    assert len(stored_own(made)) == 3


class Kept:
    """Own entries that are only kept, or refused: the log's own ones are numbered by a database."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.refusal: Overloaded | None = None

    async def record(self, values: dict[str, Any]) -> int:
        if self.refusal is not None:
            raise self.refusal
        self.entries.append(values)
        return len(self.entries) - 1


def counting(kept: Kept, interval: float, clock: Callable[[], float]) -> AccessLog:
    return AccessLog(cast("OwnEntries", kept), interval, clock)


async def test_who_is_turned_away_at_one_moment_is_one_entry() -> None:
    kept = Kept()
    accesses = counting(kept, 0.0, lambda: 5.0)
    await asyncio.gather(*(accesses.refused(("readEntry", "findEntries")[n % 2]) for n in range(200)))
    [entry] = kept.entries
    assert (entry["actor"], entry["action"], entry["outcome"]) == (NOBODY, REFUSED, "denied")
    assert entry["details"] == {"attempts": 200, "operations": {"findEntries": 100, "readEntry": 100}}


async def test_each_principal_that_asks_too_often_is_an_entry_of_its_own() -> None:
    kept = Kept()
    accesses = counting(kept, 0.0, lambda: 5.0)
    jane = Actor(type="token", id="jane")
    await asyncio.gather(*(accesses.refused("readEntry", actor) for actor in (jane, NOBODY, jane)))
    found = {entry["actor"].id: entry["details"]["attempts"] for entry in kept.entries}
    assert found == {"jane": 2, "unknown": 1}


async def test_there_is_one_entry_an_interval_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    times, slept = [0.0], []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        times[0] += seconds

    monkeypatch.setattr("tlog.service.access_log.asyncio.sleep", sleep)
    kept = Kept()
    accesses = counting(kept, 1.0, lambda: times[0])
    for moment in (10.0, 10.25, 11.5, 20.0):
        times[0] = max(times[0], moment)
        await accesses.refused("readEntry")
    assert slept == [0.0, 0.75, 0.5, 0.0]
    assert len(kept.entries) == 4


async def test_what_cannot_be_counted_in_the_log_is_said_and_refused_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = Kept()
    kept.refusal = FULL
    accesses = counting(kept, 0.0, lambda: 5.0)
    await accesses.refused("readEntry")
    assert "refused accesses could not be logged" in capsys.readouterr().out
    kept.refusal = None
    await accesses.refused("readEntry")
    assert [entry["details"]["attempts"] for entry in kept.entries] == [1]


@on_postgres_too
async def test_what_waits_is_logged_before_the_log_stops(tmp_path: Path, urls: tuple[str, str] | None) -> None:
    async with running_log(tmp_path, settings=settings(), urls=urls) as made:
        await append(made, entry_document())
        await made.log.accesses.refused("readEntry")
        waiting = asyncio.create_task(made.log.accesses.refused("findEntries"))
        await asyncio.sleep(0)
    await asyncio.wait_for(waiting, 10)
    async with running_log(tmp_path, settings=settings(), urls=urls) as made:
        found = [entry["details"]["operations"] for entry in stored_own(made, REFUSED)]
        assert found == [{"readEntry": 1}, {"findEntries": 1}]

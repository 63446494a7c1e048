"""The scheduler, and retention on request: when it runs, what stops it, who must agree."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.service.expired import CLASSES, Clock, expired, expiries, expiry, kept_log, retention
from tests.service.test_erasure import ANNA, about, append, asked, damage, dpo, erasures, opened, settings
from tests.support import MadeLog
from tlog.errors import Conflict, Forbidden, LogHalted, Unavailable
from tlog.service.hold_acts import HoldRequest
from tlog.service.retention_rules import RetentionClasses
from tlog.service.scheduler import Scheduler
from tlog.storage import scrub
from tlog.storage.act_store import UNFINISHED, ActState
from tlog.storage.hold_store import HoldKind


def scheduler(made: MadeLog) -> Scheduler:
    assert made.log.scheduler is not None
    return made.log.scheduler


async def until(expected: int, made: MadeLog) -> None:
    """Wait until that many cohorts have expired."""
    async with asyncio.timeout(20):
        while scheduler(made).expired < expected:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def turns(number: int, made: MadeLog) -> None:
    """Wait until the scheduler has begun and ended this many turns from now on."""
    last = scheduler(made).turns + number
    async with asyncio.timeout(20):
        while scheduler(made).turns < last:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)


async def test_it_runs_when_the_log_starts_and_again_after_the_interval(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock) as made:
        await append(made, about("p-1"), about("p-2", retention="short"))
    clock.on(2025, 3)
    async with kept_log(tmp_path, clock, settings=settings(retention_interval=0.05)) as made:
        await until(1, made)
        assert (expired(made), scheduler(made).last_run) == ({1}, clock())
        clock.on(2026, 2)
        await until(2, made)
        assert {0, 1} <= expired(made)
        assert scheduler(made).failures == 0


async def test_without_periods_nothing_expires(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, retention={}, settings=settings(retention_interval=0.01)) as made:
        await append(made, about("p-1"))
        clock.on(2099, 1)
        await turns(2, made)
        assert (expired(made), scheduler(made).last_run, scheduler(made).failures) == (set(), None, 0)


@pytest.mark.parametrize("classes", [{}, CLASSES], ids=["without periods", "with periods"])
async def test_an_erasure_that_could_not_be_cleaned_up_is_finished_without_being_asked_again(
    tmp_path: Path, classes: RetentionClasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads the database, so that its write-ahead log can't be emptied; then they are done."""
    monkeypatch.setattr(scrub, "WAIT_SECONDS", 0.1)
    async with kept_log(tmp_path, Clock(), retention=classes, settings=settings(retention_interval=0.02)) as made:
        await append(made, about(ANNA.id))
        with made.parts.database.read() as connection:
            connection.execute(text("SELECT count(*) FROM entries")).one()
            with pytest.raises(Unavailable):
                await erasures(made).request(asked(), dpo(made))
            [act] = made.log.acts.store.in_states([ActState.APPLIED])
        await turns(2, made)
        assert made.log.acts.store.get(act.act_id).state is ActState.DONE


async def test_a_failure_is_counted_and_the_next_turn_finishes_the_act(tmp_path: Path) -> None:
    clock = Clock()
    failing = [True]

    def step(name: str) -> None:
        if name == "destroyed" and failing and failing.pop():
            raise OSError("a text that may quote anything")

    async with kept_log(tmp_path, clock, step=step) as made:
        await append(made, about("p-1"))
        clock.on(2026, 2)
        await scheduler(made).turn()
        assert (scheduler(made).failures, expiries(made)[0].state) == (1, ActState.BEGUN)
        await scheduler(made).turn()
        assert (scheduler(made).failures, expiries(made)[0].state) == (1, ActState.DONE)
        assert 0 in expired(made)
        assert made.log.acts.store.in_states(UNFINISHED) == []


async def test_one_cohort_that_fails_does_not_keep_the_others(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, held=[0]) as made:
        await append(made, about("p-1"), about("p-2"))
        damage(made, 0)  # held, does not open: its cohort can't be split
        clock.on(2025, 2)
        await append(made, about("p-3"))
        clock.on(2026, 3)
        for _ in range(2):
            await scheduler(made).turn()
        assert [(act.cohort, act.state) for act in expiries(made)] == [
            ("standard/2025-01", ActState.BEGUN),
            ("standard/2025-02", ActState.DONE),
        ]
        assert scheduler(made).failures >= 1


async def test_stop_waits_for_the_run_under_way(tmp_path: Path) -> None:
    clock, steps = Clock(), list[str]()
    async with kept_log(tmp_path, clock) as made:
        await append(made, *(about(f"p-{i}") for i in range(50)))
    clock.on(2026, 2)
    async with kept_log(tmp_path, clock, step=steps.append, settled=False) as made:
        async with asyncio.timeout(20):
            while "counted" not in steps:  # noqa: ASYNC110 - a step is told by another thread's end
                await asyncio.sleep(0)
    assert steps[-1] == "done"


async def test_a_log_that_is_halted_expires_nothing(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock) as made:
        await append(made, about("p-1"))
        made.log.publisher._stop_signing("a witness knows more")
        clock.on(2026, 2)
        with pytest.raises(LogHalted):
            await retention(made).run_due()
        await scheduler(made).turn()
        assert (scheduler(made).failures, expired(made), expiries(made)) == (1, set(), [])


async def test_what_is_asked_for_waits_for_a_second_person(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, settings=settings(second_person=True)) as made:
        await append(made, about("p-1"), about("p-2"))
        dana, eve = dpo(made), dpo(made, "eve")
        clock.on(2026, 2)
        [act] = await retention(made).request(dana, "Dana Officer")
        assert (act.state, expired(made)) == (ActState.PENDING, set())
        assert await retention(made).request(eve, "Eve Officer") == [act], "it is asked for"
        assert act.entries == 2
        with pytest.raises(Forbidden):
            await made.log.acts.approve(act.act_id, dana)
        done = await made.log.acts.approve(act.act_id, eve)
        assert (done.state, done.entries, done.payload) == (ActState.DONE, 2, None)
        assert expired(made) == {0, 1}
        entry = opened(made, done.entry_index or 0).entry
        assert entry["actor"] == {"type": "token", "id": "dana", "name": "Dana Officer"}
        assert entry["details"]["approved_by"] == "eve"
        with pytest.raises(Conflict):
            await made.log.acts.approve(act.act_id, eve)


async def test_without_a_second_person_it_is_done_at_once(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock) as made:
        await append(made, about("p-1"), about("p-2", retention="short"))
        clock.on(2026, 2)
        acts = await retention(made).request(dpo(made), "Dana Officer")
        assert [(act.cohort, act.state) for act in acts] == [
            ("short/2025-01", ActState.DONE),
            ("standard/2025-01", ActState.DONE),
        ]
        assert await retention(made).request(dpo(made), "Dana Officer") == []


async def test_what_nobody_decides_on_does_not_outlive_its_period(tmp_path: Path) -> None:
    """A request that waits for a second person must not keep entries longer than the rules say."""
    clock = Clock()
    async with kept_log(tmp_path, clock, settings=settings(second_person=True)) as made:
        await append(made, about("p-1"))
        clock.on(2026, 2)
        [act] = await retention(made).request(dpo(made), "Dana Officer")
        await scheduler(made).turn()
        assert expired(made) == {0}
        overtaken = made.log.acts.store.get(act.act_id)
        assert (overtaken.state, overtaken.payload) == (ActState.OVERTAKEN, None)
        entry = opened(made, overtaken.entry_index or 0).entry
        assert (entry["outcome"], entry["details"]["overtaken"]) == ("failed", True)
        with pytest.raises(Conflict):
            await made.log.acts.approve(act.act_id, dpo(made, "eve"))


async def test_a_run_that_waits_goes_on_waiting_when_the_second_person_is_turned_off(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, settings=settings(second_person=True)) as made:
        await append(made, about("p-1"))
        clock.on(2026, 2)
        [act] = await retention(made).request(dpo(made), "Dana Officer")
        retention(made)._second_person = False
        assert await retention(made).request(dpo(made), "Dana Officer") == [act]
        assert expired(made) == set()
        assert (await made.log.acts.approve(act.act_id, dpo(made, "eve"))).state is ActState.DONE


async def test_the_plan_says_what_happens_when_and_why(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock) as made:
        await append(made, about("p-1"), about("p-2"), about("p-3", retention="short"))
        clock.on(2026, 1)
        assert made.log.holds is not None
        await made.log.holds.place(HoldRequest(HoldKind.LEGAL, "C-1", "claim", "Dana", subject="p-2"), dpo(made))
        plans = retention(made).plan(clock() + 90 * 86_400_000_000)
        said = [(p.cohort.name, p.entries, p.held, p.is_due, p.kept.months if p.kept else None) for p in plans]
        assert said == [("short/2025-01", 1, 0, True, 1), ("standard/2025-01", 1, 1, False, 12)]
        assert [p.cohort.name for p in retention(made).plan(clock())] == ["short/2025-01"]
        assert expiry(made)._acts.store.in_states(UNFINISHED) == []
        assert retention(made).due_count() == 1

"""The log's own drill: when it runs, what it finds, what it leaves behind, what stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs

from tests.conftest import on_postgres_too
from tests.service.old_log import DAY, DAYS, fill, old_log, remove_personal, remove_row, remove_terms
from tests.service.test_erasure import ANNA, about, append, asked, dpo, erasures, opened, settings
from tests.support import MadeLog, make_log, running_log
from tlog.audit.entry import Actor, new_entry_id
from tlog.audit.fields import microseconds
from tlog.client.drill import DrillPlan, drill
from tlog.errors import Unavailable
from tlog.http.metrics import Metrics
from tlog.service.drill_schedule import DrillSchedule, DrillSettings
from tlog.service.drills import PastDrill, entry_id
from tlog.service.log_parts import now_us
from tlog.service.own_entries import SERVICE
from tlog.storage.database import Database

WINDOW = range(DAYS - 97, DAYS - 82)
"""The indices of the 15 days around 90 days ago: entry i is of DAYS - i days ago."""


def schedule(made: MadeLog, *, settle: float = 60, now: Callable[[], int] = now_us, **changed: Any) -> DrillSchedule:
    """Return a schedule like the log's own, with other settings."""
    own = made.log.drill_schedule
    values = {"interval": 604_800.0, "records": 15, "limit": 60.0} | changed
    return DrillSchedule(
        own._desk, made.log.drills, DrillSettings(**values), own._oldest, now, own._halted, Random(1), settle
    )


def drills(made: MadeLog) -> list[PastDrill]:
    return made.log.drills.page(None, 50)[0]


@on_postgres_too
async def test_it_finds_and_proves_records_of_three_months_ago_and_logs_that_as_itself(
    tmp_path: Path, urls: tuple[str, str] | None
) -> None:
    async with old_log(tmp_path, urls=urls) as made:
        with capture_logs() as lines:
            assert await schedule(made).turn() == 604_800
        [past] = drills(made)
        assert (past.index, past.passed, past.actor) == (DAYS, True, {"type": "service", "id": "tlog"})
        assert (past.details["first"], past.details["last"]) == (WINDOW[0], WINDOW[-1])
        assert {record["index"] for record in past.details["records"]} == set(WINDOW)
        assert all(record["verify_ms"] > 0 for record in past.details["records"])
        entry = opened(made, past.index).entry
        assert (entry["action"], entry["outcome"]) == ("tlog.drill", "allowed")
        assert [line["event"] for line in lines if line["log_level"] == "error"] == []
        assert made.log.sequencer.pending_entries == 0


@pytest.mark.parametrize(
    ("harm", "step"),
    [
        (remove_row, "read"),
        (remove_personal, "read"),
        (lambda database, index: remove_personal(database, index, 1), "read"),
        (remove_terms, "find"),
    ],
    ids=["the row", "its persons", "its subject", "its terms"],
)
async def test_what_was_removed_behind_its_back_is_missed(
    tmp_path: Path, harm: Callable[[Database, int], None], step: str
) -> None:
    async with old_log(tmp_path) as made:
        harm(made.parts.database, WINDOW[4])
        own = schedule(made)
        with capture_logs() as lines:
            await own.turn()
        [past] = drills(made)
        assert past.passed is False
        [missed] = [record for record in past.details["records"] if record["missed"]]
        assert (missed["index"], missed["missed"]) == (WINDOW[4], step)
        assert past.details["missing"] == (harm is remove_row)
        [line] = [line for line in lines if line["log_level"] == "error"]
        assert line["event"] == "drill missed records"
        assert line["missed"] == {str(WINDOW[4]): step}
        assert (own.passed, own.misses, own.failures) == (False, 1, 0)


async def test_a_removed_row_that_was_not_picked_is_a_miss(tmp_path: Path) -> None:
    async with old_log(tmp_path) as made:
        picked = Random(1).sample(range(len(WINDOW)), 15)[0]
        gone = next(index for index in WINDOW if index != WINDOW[picked])
        remove_row(made.parts.database, gone)
        await schedule(made, records=1).turn()
        [past] = drills(made)
        assert [record["missed"] for record in past.details["records"]] == [None]
        assert (past.passed, past.details["missing"], past.details["first_missing"]) == (False, 1, [gone])


async def test_a_limit_that_nobody_can_keep_is_missed(tmp_path: Path) -> None:
    async with old_log(tmp_path) as made:
        await schedule(made, records=2, limit=0.000_001).turn()
        [past] = drills(made)
        assert [record["missed"] for record in past.details["records"]] == ["limit", "limit"]


@on_postgres_too
async def test_an_erased_person_leaves_enough_to_ask_for(tmp_path: Path, urls: tuple[str, str] | None) -> None:
    await fill(tmp_path, 3, urls=urls)
    async with running_log(tmp_path, settings=settings(), urls=urls) as made:
        await append(made, about(ANNA.id))
        await erasures(made).request(asked(), dpo(made))
        await made.log.wait("witnessed", 5)
        await schedule(made, interval=1.0).turn()
        [past] = drills(made)
        assert past.passed
        assert len(past.details["records"]) == 5, "the oldest days, with the erased entry and the erasure's own"


async def test_it_is_due_an_interval_after_the_last_one_also_after_a_restart(tmp_path: Path) -> None:
    async with old_log(tmp_path) as made:
        await schedule(made, records=1).turn()
        logged = microseconds(drills(made)[0].logged_at)
    async with running_log(tmp_path, settings=settings()) as made:
        early = schedule(made, records=1, now=lambda: logged + 6 * DAY)
        assert await early.turn() == pytest.approx(DAY / 1_000_000)
        assert (early.last_run, early.passed, len(drills(made))) == (logged, True, 1)
        await schedule(made, records=1, now=lambda: logged + 7 * DAY).turn()
        assert len(drills(made)) == 2


async def test_what_others_drill_does_not_put_it_off(tmp_path: Path) -> None:
    async with old_log(tmp_path) as made:
        own = schedule(made, records=1)
        done = await drill(own._desk, DrillPlan(new_entry_id(), datetime.now(UTC).date(), 1, 60), monotonic, Random(1))
        await made.log.drills.log(done.result, Actor(type="token", id="jane"))
        await made.log.drills.log(done.result, Actor(type="token", id="tlog"))
        assert made.log.drills.last_by(SERVICE) is None
        await own.turn()
        last = made.log.drills.last_by(SERVICE)
        assert last is not None
        assert last.actor == {"type": "service", "id": "tlog"}
        assert [past.actor["id"] for past in drills(made)] == ["tlog", "jane"], "what is sent again is logged once"


@on_postgres_too
async def test_a_young_log_is_drilled_when_it_is_an_interval_old(tmp_path: Path, urls: tuple[str, str] | None) -> None:
    await fill(tmp_path, 3, urls=urls)
    async with running_log(tmp_path, settings=settings(), urls=urls) as made:
        wait = await schedule(made).turn()
        assert 3 * 86_400 < wait < 5 * 86_400
        assert drills(made) == []
    async with running_log(tmp_path / "new", settings=settings()) as made:
        assert await schedule(made).turn() == 604_800


async def test_a_halted_log_is_not_drilled(tmp_path: Path) -> None:
    async with old_log(tmp_path) as made:
        made.log.publisher._stop_signing("a witness knows more")
        own = schedule(made)
        assert await own.turn() == 60
        assert (own.last_run, own.failures, made.log.store.state().size) == (None, 0, DAYS)


async def test_what_fails_is_reported_without_its_text_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(error: Exception) -> Callable[..., Any]:
        def raising(*_: object) -> Any:
            raise error

        return raising

    async with old_log(tmp_path) as made:
        own = schedule(made)
        for error, said in ((Unavailable("a reason"), "a reason"), (OSError("quotes p-1"), "unexpectedly: OSError")):
            monkeypatch.setattr(made.log.drill_windows, "around", fail(error))
            with capture_logs() as lines:
                assert await own.turn() == 3_600
            assert [line["reason"] for line in lines if line["event"] == "drill failed"] == [said]
        assert own.failures == 2
        monkeypatch.undo()
        assert await own.turn() == 604_800
        assert own.passed


async def test_it_runs_by_itself_and_stops_with_the_log_and_nothing_is_half_done(tmp_path: Path) -> None:
    async with old_log(tmp_path) as made:
        own = schedule(made, settle=0.01, records=1)
        own.start()
        async with asyncio.timeout(20):
            while own.last_run is None:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        await own.stop()
        assert len(drills(made)) == 1

        under_way = asyncio.Event()
        cut = schedule(made, settle=0.01, interval=0.001)
        real = cut._desk.verify

        async def verify(evidence: bytes) -> Any:
            under_way.set()
            return await real(evidence)

        cut._desk.verify = verify  # type: ignore[method-assign]
        cut.start()
        await asyncio.wait_for(under_way.wait(), 20)
        await cut.stop()
        assert len(drills(made)) == 1


async def test_a_log_that_is_started_drills_itself(tmp_path: Path) -> None:
    await fill(tmp_path)
    made = make_log(tmp_path, settings=settings(drill_records=2))
    made.log.drill_schedule._settle = 0.01
    await made.log.start()
    try:
        async with asyncio.timeout(30):
            while not drills(made):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)
        assert len(drills(made)[0].details["records"]) == 2
    finally:
        await made.log.stop()
        made.close()


def test_it_drills_in_the_loop_that_a_served_log_runs_in(tmp_path: Path) -> None:
    async def main() -> list[PastDrill]:
        async with old_log(tmp_path) as made:
            await schedule(made, records=2).turn()
            return drills(made)

    [past] = uvloop.run(main())
    assert past.passed


async def test_interval_0_is_never(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings(drill_interval=0)) as made:
        made.log.drill_schedule.start()
        assert made.log.drill_schedule._task is None


async def test_metrics_say_when_and_whether_it_missed(tmp_path: Path) -> None:
    async with old_log(tmp_path) as made:
        made.log.drill_schedule._rng = Random(1)
        metrics = Metrics(made.log)
        assert b"tlog_drill_last_run_timestamp_seconds 0.0" in metrics.text()
        remove_row(made.parts.database, WINDOW[0])
        await made.log.drill_schedule.turn()
        text = metrics.text().decode()
        assert "tlog_drill_missed 1.0" in text
        assert "tlog_drill_failures_total 0.0" in text
        assert "tlog_drill_last_run_timestamp_seconds 0.0" not in text


def test_the_id_of_an_entry_is_made_from_that_of_its_drill() -> None:
    one = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"
    made = entry_id(one)
    assert made == entry_id(one) != entry_id(one[:-1] + "2")
    assert made[:6].hex() == "019a52c82f64"
    assert (made[6] >> 4, made[8] >> 6) == (7, 2)
    assert made.hex() != one.replace("-", "")

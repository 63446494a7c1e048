"""The drill's rules: what is picked, what counts as a miss, what is passed over, what is timed."""

from __future__ import annotations

import json
from datetime import date
from random import Random
from typing import Any

import msgspec
import pytest

from tests.client.drill_desk import FIRST, LAST, FakeDesk
from tlog.cli.drill_output import drill_text, miss_of
from tlog.client.drill import Drilled, DrillPlan, about, drill
from tlog.client.drill_desk import Hits, Known
from tlog.client.drill_question import Question
from tlog.client.drill_result import DrillResult
from tlog.errors import BareLeaf, Expired, NotFound, StorageFault, TlogError, Unavailable, VerificationFailed

ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"


async def run(desk: FakeDesk, *, records: int = 5, limit: float = 5, seed: int = 1, told: Any = None) -> Drilled:
    plan = DrillPlan(ID, date(2026, 3, 1), records, limit)
    return await drill(desk, plan, desk.clock, Random(seed), *([] if told is None else [told]))


def misses(done: Drilled) -> list[str | None]:
    return [record.missed for record in done.result.records]


async def test_records_are_found_proved_and_timed() -> None:
    told: list[int] = []
    desk = FakeDesk(seconds={"read": 100, "find": 0.5, "evidence": 0.25, "verify": 0.125})
    done = await run(desk, told=told.append)
    assert (desk.around, desk.days) == (date(2026, 3, 1), 7)
    assert done.result.passed
    assert done.reasons == {}
    assert told == [1, 2, 3, 4, 5]
    for record in done.result.records:
        assert FIRST <= record.index <= LAST
        assert (record.find_ms, record.evidence_ms, record.verify_ms) == (1500, 250, 125), "three look-ups"
        assert record.total_ms == 1875
    assert len({record.index for record in done.result.records}) == 5


async def test_a_regulator_asks_by_what_they_know_never_by_index_or_id() -> None:
    desk = FakeDesk()
    await run(desk, records=1)
    assert [sorted(question.values) for question in desk.asked] == [
        ["subject"],
        ["target_id", "target_type"],
        ["actor_id", "actor_type"],
    ]


async def test_picks_are_over_the_whole_range_and_a_seed_repeats_them() -> None:
    desks = [FakeDesk(), FakeDesk(), FakeDesk()]
    for desk, seed in zip(desks, (7, 7, 8), strict=True):
        await run(desk, records=100, seed=seed)
    assert desks[0].reads == desks[1].reads != desks[2].reads
    assert min(desks[0].reads) < FIRST + 100
    assert max(desks[0].reads) > LAST - 100


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("read", NotFound("no entry has that index")),
        ("read", StorageFault("the personal parts are missing")),
        ("find", Unavailable("the database can't be used")),
        ("evidence", NotFound("no witnessed checkpoint")),
        ("verify", VerificationFailed("inclusion: no")),
    ],
    ids=["gone", "damaged", "no look-up", "no evidence", "refused"],
)
async def test_a_step_that_fails_is_a_miss_and_says_why(step: str, error: TlogError) -> None:
    done = await run(FakeDesk({(step, None): error}), records=2)
    assert misses(done) == [step, step]
    assert (done.result.missed, done.result.passed) == (2, False)
    assert set(done.reasons.values()) == {str(error)}


@pytest.mark.parametrize("lost", ["subject", "target", "actor"])
async def test_what_one_kind_of_id_does_not_find_is_missed_though_the_others_find_it(lost: str) -> None:
    values = {"subject": [f"p-{i}" for i in range(2000)], "target": [f"r-{i}" for i in range(2000)]}
    values["actor"] = ["e-0", "e-1", "e-2"]
    done = await run(FakeDesk(lost=frozenset(values[lost])), records=1)
    assert misses(done) == ["find"]
    [reason] = done.reasons.values()
    assert lost in reason
    assert "p-1" not in reason
    assert "e-" not in reason.replace("time-", "")


async def test_pages_are_followed_and_their_time_counts() -> None:
    done = await run(FakeDesk(page=10, seconds={"find": 0.001}), records=1, seed=3)
    [record] = done.result.records
    assert record.missed is None
    assert record.find_ms > 3


async def test_pages_without_end_are_passed_over_and_a_miss_if_that_is_most() -> None:
    desk = FakeDesk(page=0)
    done = await run(desk, records=3)
    assert (misses(done), done.result.alike, done.result.passed) == ([], 4, False)
    assert len(desk.reads) == 4, "once they are most it goes no further"
    assert "like too many other entries" in miss_of(done.result)


async def test_one_that_is_like_too_many_others_is_passed_over_and_another_one_picked() -> None:
    class Crowded(FakeDesk):
        """The first half of the entries are of people who have more pages than anybody reads."""

        async def search(self, question: Question, cursor: str | None) -> Hits:
            subject = question.values.get("subject", "")
            if subject and int(subject.removeprefix("p-")) < FIRST + 500:
                return Hits([LAST], "more")
            return await FakeDesk.search(self, question, cursor)

    for seed in range(5):
        done = await run(Crowded(), records=10, seed=seed)
        assert done.result.alike > 0
        assert set(misses(done)) <= {None}
        assert done.result.passed is (done.result.alike <= len(done.result.records))
        assert "like too many others" in drill_text(done, None)


async def test_the_logs_own_entries_are_drilled_where_there_are_no_others() -> None:
    class Watched(FakeDesk):
        """Of every ten entries, nine are the log's own; `producers` says whether the tenth is not."""

        producers = True

        async def read(self, index: int) -> Known:
            known = await FakeDesk.read(self, index)
            own = index % 10 or not self.producers
            return Known({**known.entry, "source": "tlog"}, known.leaf) if own else known

        async def search(self, question: Question, cursor: str | None) -> Hits:
            values = {name: value for name, value in question.values.items() if name != "source"}
            return await FakeDesk.search(self, Question(values, question.start, question.end), cursor)

    desk = Watched()
    done = await run(desk, records=5)
    assert done.result.passed
    assert {record.index % 10 for record in done.result.records} == {0}
    desk.producers = False
    assert len((await run(desk, records=5)).result.records) == 5


async def test_over_the_limit_is_a_miss() -> None:
    exact = await run(FakeDesk(seconds={"verify": 0.5}), limit=0.5)
    over = await run(FakeDesk(seconds={"verify": 0.5}), limit=0.499)
    assert (misses(exact), misses(over)) == ([None] * 5, ["limit"] * 5)


async def test_evidence_of_another_leaf_is_a_miss() -> None:
    assert misses(await run(FakeDesk(other_leaf=True), records=1)) == ["verify"]


async def test_a_row_that_is_missing_is_a_miss_though_nobody_picked_it() -> None:
    done = await run(FakeDesk(missing=(FIRST + 500,)), records=1)
    assert misses(done) == [None]
    assert (done.result.missing, done.result.first_missing, done.result.passed) == (1, [FIRST + 500], False)


async def test_what_has_expired_or_is_held_elsewhere_is_counted_and_another_one_picked() -> None:
    faults: dict[tuple[str, int | None], TlogError] = {("read", i): Expired("over") for i in range(FIRST, FIRST + 500)}
    faults |= {("read", i): BareLeaf("elsewhere") for i in range(FIRST + 500, FIRST + 700)}
    desk = FakeDesk(faults)
    done = await run(desk, records=10)
    assert done.result.passed
    assert len(done.result.records) == 10
    assert done.result.expired > 0
    assert done.result.bare > 0
    assert len(desk.reads) == 10 + done.result.expired + done.result.bare


async def test_an_entry_that_is_erased_while_it_is_looked_for_is_asked_for_by_what_is_left() -> None:
    desk = FakeDesk(erased=FIRST, size=1)
    done = await run(desk)
    assert misses(done) == [None]
    assert desk.reads == [FIRST, FIRST]
    assert [sorted(question.values)[0] for question in desk.asked] == ["subject", "target_id", "actor_id"]


async def test_an_entry_that_expires_while_it_is_looked_for_is_no_miss() -> None:
    class Expiring(FakeDesk):
        async def evidence(self, index: int) -> bytes:
            if index == FIRST:
                self.faults = {("read", FIRST): Expired("over")}
                raise Expired("over")
            return await FakeDesk.evidence(self, index)

    done = await run(Expiring(size=2))
    assert (len(done.result.records), done.result.expired, done.result.passed) == (1, 1, True)


async def test_picking_ends_where_all_have_expired() -> None:
    desk = FakeDesk({("read", None): Expired("over")})
    with pytest.raises(NotFound, match="100 have expired and 0 are leaves"):
        await run(desk)
    assert len(desk.reads) == 100
    missing = await run(FakeDesk({("read", i): Expired("over") for i in range(FIRST, LAST + 1)}, missing=(LAST,)))
    assert not missing.result.passed, "said though nothing could be drilled"


async def test_a_window_of_few_is_drilled_whole() -> None:
    desk = FakeDesk(size=3)
    done = await run(desk)
    assert sorted(desk.reads) == [FIRST, FIRST + 1, FIRST + 2]
    assert (len(done.result.records), done.result.passed) == (3, True)


async def test_without_a_window_there_is_no_drill() -> None:
    with pytest.raises(NotFound):
        await run(FakeDesk({("window", None): NotFound("the log has no entries")}))


async def test_the_result_holds_nothing_of_an_entry() -> None:
    done = await run(FakeDesk(lost=frozenset({"e-0", "e-1", "e-2"})))
    text = msgspec.json.encode(done.result)
    assert msgspec.json.decode(text, type=DrillResult) == done.result
    assert not [word for word in (b"p-1", b"e-", b"r-1", b"clinic", b"patient") if word in text]
    assert set(json.loads(text)["records"][0]) == {"index", "find_ms", "evidence_ms", "verify_ms", "missed"}


def test_days_ago() -> None:
    assert about(date(2026, 6, 1), 90) == date(2026, 3, 3)
    assert about(date(2026, 6, 1), 10**9) == date.min

"""What a plan says of sizes and holds is what counting each cohort's rows gives, at the cost of a few queries."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from tests.conftest import NewUrl
from tests.service.expired import Clock, expiry, kept_log, retention, run_due
from tests.service.test_erasure import about, append, dpo, urls
from tests.support import MadeLog
from tlog.service.hold_acts import HoldRequest
from tlog.storage.hold_store import HoldKind

FAR = 10**17


@contextmanager
def statements() -> Iterator[list[str]]:
    """Yield the list of statements that this thread executes in the block."""
    found, here = list[str](), threading.get_ident()

    def add(*arguments: Any) -> None:
        if threading.get_ident() == here:
            found.append(arguments[2])

    event.listen(Engine, "before_cursor_execute", add)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", add)


def planned(made: MadeLog) -> dict[str, tuple[int, int | None]]:
    return {plan.cohort.name: (plan.entries, plan.held) for plan in retention(made).plan(FAR)}


def counted(made: MadeLog) -> dict[str, tuple[int, int | None]]:
    """Count as an expiry does, each cohort by itself, with the holds that are in force."""
    assert made.log.holds is not None
    eraser, holds = expiry(made).eraser, made.log.holds.holds
    extents = {cohort.name: eraser.extent(cohort, holds) for cohort in retention(made)._cohorts()}
    return {name: (extent.entries, len(extent.held)) for name, extent in extents.items()}


async def test_many_cohorts_cost_no_more_queries_than_few(tmp_path: Path, new_url: NewUrl) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, urls=urls(new_url), retention={}) as made:
        await append(made, about("p-1"), about("p-2"))
        with statements() as few:
            assert planned(made) == {"standard/2025-01": (2, None)}
        await append(made, *(about("p-1", retention=f"c-{i % 200}") for i in range(300)))
        with statements() as many:
            assert planned(made) == counted_of(200) | {"standard/2025-01": (2, None)}
        assert len(many) == len(few)


def counted_of(classes: int) -> dict[str, tuple[int, int | None]]:
    return {f"c-{i}/2025-01": (2 if i < 100 else 1, None) for i in range(classes)}


async def test_months_and_classes_and_what_was_moved(tmp_path: Path, new_url: NewUrl) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, held=[1], urls=urls(new_url)) as made:
        await append(made, about("p-1"), about("p-2"), about("p-3", retention="short"))
        clock.on(2025, 2)
        await append(made, *(about(f"p-{i}") for i in range(1100)), about("p-3", retention="short"))
        clock.on(2026, 2)
        assert await run_due(made) == ["short/2025-01", "short/2025-02", "standard/2025-01"]
        await append(made, about("p-1"))
        assert planned(made) == counted(made)
        assert planned(made)["standard/2025-02"] == (1100, 0)
        assert planned(made)["standard/2025-01+1"] == (1, 0)
        for asked in (hold(subject="p-1"), hold(subject="p-2"), hold(source="clinic", occurred_to=0)):
            await place(made, asked)
        assert planned(made) == counted(made)
        assert planned(made)["standard/2025-02"] == (1098, 2)
        assert planned(made)["standard/2025-01+1"] == (0, 1)
        await place(made, hold(source="clinic"))
        assert planned(made) == counted(made)
        assert planned(made)["standard/2025-02"] == (0, 1100)


async def test_a_hold_on_one_person_costs_no_look_at_the_others(tmp_path: Path, new_url: NewUrl) -> None:
    async with kept_log(tmp_path, Clock(), urls=urls(new_url)) as made:
        await append(made, about("p-1"))
        await place(made, hold(subject="p-1"))
        with statements() as few:
            planned(made)
        await append(made, *(about(f"p-{i}") for i in range(2, 3000)))
        with statements() as many:
            assert planned(made)["standard/2025-01"] == (2999, 1)  # that of placing it is one
        assert len(many) == len(few)


def hold(**scope: Any) -> HoldRequest:
    return HoldRequest(HoldKind.LEGAL, "C-1", "claim", "Dana Officer", **scope)


async def place(made: MadeLog, asked: HoldRequest) -> None:
    assert made.log.holds is not None
    await made.log.holds.place(asked, dpo(made))

"""What a plan counts month by month is what counting cohort by cohort gives, at the cost of a few queries."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.conftest import NewUrl
from tests.service.expired import Clock, HeldHere, expiry, kept_log, retention, run_due
from tests.service.test_erasure import about, append, urls
from tests.support import MadeLog

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


def planned(made: MadeLog) -> dict[str, tuple[int, int]]:
    return {plan.cohort.name: (plan.entries, plan.held) for plan in retention(made).plan(FAR)}


def counted(made: MadeLog) -> dict[str, tuple[int, int]]:
    """Count as an expiry does, each cohort by itself."""
    extents = {c.name: expiry(made).eraser.extent(c, expiry(made).holds) for c in retention(made)._cohorts()}
    return {name: (extent.entries, len(extent.held)) for name, extent in extents.items()}


async def test_many_cohorts_cost_no_more_queries_than_few(tmp_path: Path, new_url: NewUrl) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, urls=urls(new_url), retention={}) as made:
        await append(made, about("p-1"), about("p-2"))
        with statements() as few:
            assert planned(made) == {"standard/2025-01": (2, 0)}
        await append(made, *(about("p-1", retention=f"c-{i % 200}") for i in range(300)))
        with statements() as many:
            assert planned(made) == counted_of(200) | {"standard/2025-01": (2, 0)}
        assert len(many) == len(few)


def counted_of(classes: int) -> dict[str, tuple[int, int]]:
    return {f"c-{i}/2025-01": (2 if i < 100 else 1, 0) for i in range(classes)}


@pytest.mark.parametrize("held", [[], [0, 3, 4]])
async def test_months_and_classes_and_what_was_moved(held: list[int], tmp_path: Path, new_url: NewUrl) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, held=[1], urls=urls(new_url)) as made:
        await append(made, about("p-1"), about("p-2"), about("p-3", retention="short"))
        clock.on(2025, 2)
        await append(made, *(about(f"p-{i}") for i in range(1100)), about("p-3", retention="short"))
        clock.on(2026, 2)
        assert await run_due(made) == ["short/2025-01", "short/2025-02", "standard/2025-01"]
        await append(made, about("p-1"))
        expiry(made).holds = HeldHere(held)
        assert planned(made) == counted(made)
        assert planned(made)["standard/2025-02"] == ((1098, 2) if held else (1100, 0))
        assert planned(made)["standard/2025-01+1"] == (1, 0)

"""Nothing expires because this machine's clock is wrong: the witnesses, real ones, must bear it out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.service.expired import CLASSES, Clock, expired, retention, run_due
from tests.service.test_erasure import about, append, opened, settings
from tests.service.witnesses import RunningWitness
from tests.support import MadeLog, make_parts, running_log
from tlog.errors import Unavailable
from tlog.formats.policy import Policy
from tlog.service import retention as module
from tlog.service.witnessed_time import believable_time

DAY = 86_400_000_000


@asynccontextmanager
async def witnessed_log(folder: Path, clock: Clock, theirs: Clock) -> AsyncIterator[tuple[MadeLog, RunningWitness]]:
    """Run a log with this clock and a witness with its own."""
    parts, keyring_database = make_parts(folder / "log")
    parts.database.close()
    keyring_database.close()
    witness = RunningWitness(folder / "witness", "w.example", parts.signer.vkeys, lambda: theirs() // 1_000_000)
    await witness.start()
    try:
        group = witness.group()
        options = {"witnesses": witness.lines(), "groups": [group], "quorum": group.name, "retention": CLASSES}
        kept = settings(quorum_timeout=1.0)
        async with running_log(folder / "log", now=clock, settings=kept, **options) as made:
            yield made, witness
    finally:
        await witness.stop()
        witness.close()


async def test_a_clock_that_is_years_ahead_expires_nothing_and_says_why(tmp_path: Path) -> None:
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        await made.log.wait("witnessed", 1)
        clock.on(2031, 1)
        with pytest.raises(Unavailable, match="this machine's clock is ahead of the witnesses' by over a day"):
            await retention(made).run_due()
        assert expired(made) == set()
        assert "standard/2025-01" in made.parts.keyring.cohort_names()
        assert opened(made, 1).entry["action"] == "tlog.retention.check"
        assert retention(made).due_count() == 0


async def test_an_honest_clock_expires_what_is_due_though_the_log_was_quiet_for_years(tmp_path: Path) -> None:
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        await made.log.wait("witnessed", 1)
        for each in (clock, theirs):
            each.on(2028, 1)
        assert retention(made).due_count() == 0  # nobody has said so yet
        assert await run_due(made) == ["standard/2025-01"]
        assert expired(made) == {0}


async def test_a_day_ahead_is_believed_and_more_is_not(tmp_path: Path) -> None:
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        clock.on(2026, 2, 1)
        theirs.on(2026, 1, 30)
        with pytest.raises(Unavailable):
            await run_due(made)
        theirs.on(2026, 1, 31)
        assert await run_due(made) == ["standard/2025-01"]


async def test_without_an_answer_of_the_witnesses_nothing_expires_and_one_entry_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(size: int) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "_CHECK_SECONDS", 0.2)
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        await made.log.wait("witnessed", 1)
        theirs.on(2025, 2)
        clock.on(2028, 1)
        monkeypatch.setattr(retention(made), "_witnessed", never)
        for _ in range(3):
            with pytest.raises(Unavailable, match="no witness says what time it is"):
                await retention(made).run_due()
        assert (made.log.store.state().size, expired(made)) == (2, set())


async def test_witnesses_say_the_least_that_is_believed(tmp_path: Path) -> None:
    clock, theirs = Clock(), Clock()
    async with witnessed_log(tmp_path, clock, theirs) as (made, _):
        await append(made, about("p-1"))
        await made.log.wait("witnessed", 1)
        policy, published = made.log.policy, made.log.publisher.published
        assert believable_time(theirs() - 1, published, policy) == theirs() - 1
        assert believable_time(theirs() + DAY, published, policy) == theirs() + DAY
        assert believable_time(theirs() + DAY + 1, published, policy) == theirs() + DAY
        assert believable_time(clock(), None, policy) == 0
        alone = Policy(policy.logs, (), (), b"none")
        assert believable_time(theirs() + 99 * DAY, published, alone) == theirs() + 99 * DAY

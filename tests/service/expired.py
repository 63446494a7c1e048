"""A log whose clock the test sets, with retention classes, and what its tests of expiry ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.service.test_erasure import settings
from tests.support import MadeLog, make_log, make_parts
from tlog.errors import Expired
from tlog.merkle.hashing import leaf_hash
from tlog.merkle.verify import verify_inclusion
from tlog.service.expiry import Expiry
from tlog.service.fsck.run import fsck
from tlog.service.retention import Retention
from tlog.service.retention_rules import RetentionClass
from tlog.storage.act_store import Act, ActKind

CLASSES = {
    "standard": RetentionClass("standard", 12, "a year"),
    "short": RetentionClass("short", 1, "a month"),
}
START = datetime(2025, 1, 10, tzinfo=UTC)


class Clock:
    """Microseconds since the epoch; stands still until it is set."""

    def __init__(self, moment: datetime = START) -> None:
        self.set(moment)

    def set(self, moment: datetime) -> None:
        self.moment = int(moment.timestamp()) * 1_000_000

    def on(self, year: int, month: int, day: int = 10) -> None:
        self.set(datetime(year, month, day, tzinfo=UTC))

    def __call__(self) -> int:
        return self.moment


class HeldHere:
    """Holds that say which entries are held; the test changes it."""

    def __init__(self, indices: Collection[int] = ()) -> None:
        self.indices = set(indices)

    def blocking_expiry(self, indices: Sequence[int]) -> set[int]:
        return self.indices & set(indices)


@asynccontextmanager
async def kept_log(
    folder: Path, clock: Clock, held: Collection[int] = (), *, settled: bool = True, **options: Any
) -> AsyncIterator[MadeLog]:
    """Run a log with this clock, `CLASSES` and holds on these entries for the length of a block.

    `settled`: the block begins after the scheduler's first turn, which else may expire what the block expects to.
    """
    options = {"settings": settings(), "retention": CLASSES} | options
    made = make_log(folder, now=clock, **options)
    expiry(made).holds = HeldHere(held)
    try:
        await made.log.start()
        if settled:
            await first_turn(made)
        yield made
    finally:
        await made.log.stop()
        made.close()


async def first_turn(made: MadeLog) -> None:
    """Wait until the scheduler of a started log has had its first turn."""
    scheduler = made.log.scheduler
    assert scheduler is not None
    async with asyncio.timeout(60):
        while not scheduler.turns:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.005)


def retention(made: MadeLog) -> Retention:
    assert made.log.retention is not None
    return made.log.retention


def expiry(made: MadeLog) -> Expiry:
    return retention(made)._expiry


async def run_due(made: MadeLog) -> list[str | None]:
    """Expire what is due and return the cohorts; each act is done."""
    acts = await retention(made).run_due()
    assert all(act.state == "done" and act.payload is None and act.entry_index is not None for act in acts)
    return [act.cohort for act in acts]


def expired(made: MadeLog, indices: Collection[int] | None = None) -> set[int]:
    """Return which entries say that they have expired."""
    rows = made.log.store.entries_at(sorted(indices) if indices else range(made.log.store.state().size))
    found = zip(rows.values(), made.log.entries.open_all(list(rows.values())), strict=True)
    errors = {row.index: opened for row, opened in found if isinstance(opened, Exception)}
    assert all(isinstance(error, Expired) for error in errors.values()), errors
    return set(errors)


def expiries(made: MadeLog) -> list[Act]:
    """Return the acts of expiry, oldest first."""
    return made.log.acts.store.newest(ActKind.EXPIRY, 100)[::-1]


async def require_proofs(made: MadeLog) -> None:
    """Require that every leaf is proved under the newest witnessed checkpoint."""
    size = made.log.store.state().size
    await made.log.wait("witnessed", size)
    root = made.log.proofs.root(size)
    for index, leaf in enumerate(made.log.store.leaves(0, size)):
        verify_inclusion(leaf_hash(leaf), index, size, made.log.proofs.inclusion(index, size), root)
        assert made.log.proofs.tlog_proof(index).extra == leaf


def require_clean(folder: Path, clock: Clock, urls: tuple[str, str] | None = None) -> None:
    """Require that the audit of a stopped log finds nothing."""
    parts, keyring_database = make_parts(folder, now=clock, settings=settings(), retention=CLASSES, urls=urls)
    try:
        assert fsck(parts, lambda *_: None).problems == []
    finally:
        parts.database.close()
        keyring_database.close()

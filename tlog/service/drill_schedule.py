"""The log's own drill: every `drill_interval` seconds after its last one, which the log itself remembers as an entry.

The first one is due an interval after the log's oldest entry. None begins sooner than a minute after a start, when what
was left unfinished is done. A drill stores nothing before it is logged, so a crash in the middle only means that it is
run again. A log that is halted drills nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from time import monotonic
from typing import Final

import structlog

from tlog.audit.entry import new_entry_id
from tlog.audit.fields import microseconds
from tlog.client.drill import Drilled, DrillPlan, about, drill
from tlog.client.drill_desk import Desk
from tlog.errors import NotFound, TlogError
from tlog.service.drills import Drills
from tlog.service.own_entries import SERVICE

AGO_DAYS: Final = 90
SETTLE_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 3_600.0
_logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """How often (seconds, 0: never), how many records, and how long one may take (seconds)."""

    interval: float
    records: int
    limit: float


class DrillSchedule:
    """Belongs to one event loop. What fails is reported and tried again; nothing else stops for it."""

    def __init__(  # noqa: PLR0913, PLR0917 - all but the clocks are parts of the log
        self,
        desk: Desk,
        drills: Drills,
        settings: DrillSettings,
        oldest: Callable[[], int | None],
        now: Callable[[], int],
        halted: Callable[[], bool],
        rng: Random,
        settle: float = SETTLE_SECONDS,
    ) -> None:
        """`oldest` returns when the log's oldest entry was received, and blocks; `now` what time it is: microseconds
        since the epoch. `settle` are seconds before the first turn."""
        self._desk = desk
        self._drills = drills
        self._settings = settings
        self._oldest = oldest
        self._now = now
        self._halted = halted
        self._rng = rng
        self._settle = settle
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.last_run: int | None = None
        """When the log's last drill ended, in microseconds."""
        self.passed: bool | None = None
        """Whether it missed nothing."""
        self.misses = 0
        self.failures = 0

    def start(self) -> None:
        """Drill when the next one is due, and then every interval."""
        if self._settings.interval:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="drill")

    async def stop(self) -> None:
        """Give up a drill under way, of which nothing is stored, and stop."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def turn(self) -> float:
        """Drill if that is due; return the seconds until the next turn."""
        try:
            wait = await self._due_in()
            if wait > 0 or self._halted():
                return max(wait, self._settle)
            await self._drill()
        except NotFound as nothing:
            _logger.info("nothing to drill", reason=str(nothing))
        except TlogError as error:
            self._fail(str(error))
        except Exception as error:
            # Whatever it is, it must not end this task in silence; its text may quote anything.
            self._fail(f"unexpectedly: {type(error).__name__}")
        else:
            return self._settings.interval
        return min(RETRY_SECONDS, self._settings.interval)

    async def _due_in(self) -> float:
        since = self.last_run
        if since is None and (last := await asyncio.to_thread(self._drills.last_by, SERVICE)) is not None:
            since = self.last_run = microseconds(last.logged_at)
            self.passed = last.passed
        if since is None and (since := await asyncio.to_thread(self._oldest)) is None:
            return self._settings.interval
        return self._settings.interval - (self._now() - since) / 1_000_000

    async def _drill(self) -> None:
        today = datetime.fromtimestamp(self._now() / 1_000_000, UTC).date()
        plan = DrillPlan(new_entry_id(), about(today, AGO_DAYS), self._settings.records, self._settings.limit)
        done = await drill(self._desk, plan, monotonic, self._rng)
        index = await self._drills.log(done.result, SERVICE)
        self.last_run, self.passed = self._now(), done.result.passed
        self._report(done, index)

    def _report(self, done: Drilled, index: int) -> None:
        result = done.result
        if result.passed:
            _logger.info("drill passed", records=len(result.records), entry=index)
            return
        self.misses += 1
        missed = {str(record.index): record.missed for record in result.records if record.missed}
        _logger.error(
            "drill missed records",
            missed=missed,
            rows_missing=result.missing,
            first_missing=result.first_missing,
            alike=result.alike,
            entry=index,
        )

    def _fail(self, reason: str) -> None:
        self.failures += 1
        _logger.error("drill failed", reason=reason)

    async def _run(self) -> None:
        wait = self._settle
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), wait)
            except TimeoutError:
                wait = await self.turn()

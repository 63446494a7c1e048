"""The scheduler finishes acts and expires cohorts: when the log starts, and every `retention_interval` seconds after.

Whatever could not be finished when it was asked for, such as an erasure whose files could not be cleaned, is finished
here, also in a log without retention classes, where nothing expires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from tlog.errors import TlogError
from tlog.service.retention import Retention

_logger = structlog.get_logger()


class Scheduler:
    """Belongs to one event loop. What fails is reported and tried again at the next turn; nothing else stops for it."""

    def __init__(self, retention: Retention, interval: float, now: Callable[[], int]) -> None:
        """`now` returns microseconds since the epoch; `interval` is in seconds."""
        self._retention = retention
        self._interval = interval
        self._now = now
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.last_run: int | None = None
        """When what was due last expired without a failure; not where nothing expires, or while that is paused."""
        self.turns = 0
        self.failures = 0
        self.expired = 0

    def start(self) -> None:
        """Run now, and then every interval."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="retention")

    async def stop(self) -> None:
        """Finish the run under way and stop."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def turn(self) -> None:
        """Finish acts that could not be finished when they were asked for, then expire what is due."""
        try:
            await self._retention.resume()
            if self._retention.classes and await asyncio.to_thread(self._retention.paused) is None:
                await self._expire()
        except TlogError as error:
            self._fail(str(error))
        except Exception as error:
            # Whatever it is, it must not end this task in silence; its text may quote anything.
            self._fail(f"unexpectedly: {type(error).__name__}")
        self.turns += 1

    async def _expire(self) -> None:
        acts = await self._retention.run_due()
        self.last_run = self._now()
        self.expired += len(acts)
        for act in acts:
            _logger.info("cohort expired", cohort=act.cohort, entries=act.entries)

    def _fail(self, reason: str) -> None:
        self.failures += 1
        _logger.error("retention failed", reason=reason)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self.turn()
            try:
                await asyncio.wait_for(self._stopping.wait(), self._interval)
            except TimeoutError:
                continue

"""Doing several things at once, and stopping all of them when one fails or a signal says so."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

T = TypeVar("T")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal ended the work; everything it had started is stopped."""


async def all_of(works: Iterable[Coroutine[Any, Any, T]], at_once: int = 8) -> tuple[T, ...]:
    """Return what the works return, in their order, with at most `at_once` under way; the first error ends all."""
    room = asyncio.Semaphore(at_once)

    async def one(work: Coroutine[Any, Any, T]) -> T:
        async with room:
            return await work

    tasks = [asyncio.ensure_future(one(work)) for work in works]
    try:
        return tuple(await asyncio.gather(*tasks))
    finally:
        await _end(tasks)


async def guarded(work: Coroutine[Any, Any, T], guard: Coroutine[Any, Any, None]) -> T:
    """Return what `work` returns; an error of `guard`, which otherwise never ends, ends the work and is raised."""
    task, watch = asyncio.ensure_future(work), asyncio.ensure_future(guard)
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            watch.result()
        return await task
    finally:
        await _end([task, watch])


async def interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns. The first signal cancels it, later ones do not disturb the tidying up.

    Raises `Interrupted` after a signal.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    signalled = False

    def stop() -> None:
        nonlocal signalled
        if not signalled:
            signalled = True
            task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if signalled:
            raise Interrupted from None
        raise


async def _end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    left = list(tasks)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)

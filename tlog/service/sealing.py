"""Where sealing runs: large requests in processes of their own, so that it uses every core and the event loop
keeps answering; small ones here, those of one moment together, because the way to another process costs more
than they do.

A sealing process holds its own keyring, opened from a `KeyringRecipe`; what travels to it is the request as
received, what comes back are sealed rows. If one dies or hangs, the requests it held are sealed here and new processes
are started: sealing stores nothing, so nothing is lost or done twice.

The epoch of keys is in memory that all of them share: once it has moved on, each drops the keys that it had cached
within `_FORGET_SECONDS`, whether or not another request ever comes to it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from ctypes import c_uint64
from functools import partial
from typing import Final

from tlog.keys.keyring import Keyring
from tlog.keys.keyring_recipe import KeyringRecipe
from tlog.service.intake import AppendRequest, read_request
from tlog.service.sealer import Sealer
from tlog.service.sealing_group import SealingGroup
from tlog.storage.append_store import SealedRequest

_POOLED_BYTES: Final = 32 << 10
_ORPHAN_SECONDS: Final = 1.0
_FORGET_SECONDS: Final = 1.0
POOL_SECONDS: Final = 20.0
"""A sealing process that takes longer hangs: about ten times what the largest request takes."""

Clock = Callable[[], int]
_context = multiprocessing.get_context("spawn")


class Sealing:
    """Turns append requests into sealed rows. Belongs to one event loop."""

    def __init__(
        self,
        sealer: Sealer,
        recipe: KeyringRecipe | None,
        processes: int,
        now: Clock,
        classes: Collection[str] = (),
    ) -> None:
        """Without a `recipe`, or with no `processes`, everything is sealed in threads of this process.

        `now` returns microseconds since the epoch and is pickled by name. `classes` are the retention classes that
        are accepted, all without any: what is of another one is refused before a key is made for it.
        """
        self._classes = frozenset(classes)
        self._sealer = sealer
        self._recipe = recipe
        self._processes = processes if recipe is not None else 0
        self._now = now
        self._pool: ProcessPoolExecutor | None = None
        self._turns = asyncio.Semaphore(2)
        self._together = SealingGroup(sealer, self._classes)
        self._entering = threading.Lock()
        self._shared = _context.RawValue(c_uint64, 0) if self._processes else c_uint64(0)

    def start(self) -> None:
        """Start the sealing processes; requests that come before they are up are sealed here."""
        if self._processes:
            self._pool = self._new_pool()

    def stop(self) -> None:
        """End the sealing processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    async def seal(self, request: AppendRequest) -> SealedRequest:
        """Return the rows of a request, in order, sealed under keys of `epoch`.

        Raises as `read_request` and `Sealer.seal_rows` do."""
        if len(request.body) <= _POOLED_BYTES:
            return await self._together.seal(request, self.epoch)
        pool = self._pool
        if pool is not None:
            try:
                async with asyncio.timeout(POOL_SECONDS):
                    work = partial(_seal_there, request, self._classes, self.epoch)
                    return await asyncio.get_running_loop().run_in_executor(pool, work)
            except (BrokenProcessPool, TimeoutError):
                self._replace(pool)
        async with self._turns:  # A refused document costs many times its own size while it is read.
            return await asyncio.to_thread(self._seal_here, request, self.epoch)

    @property
    def epoch(self) -> int:
        """The epoch of the keys that requests are sealed under."""
        return self._shared.value

    def enter(self, epoch: int) -> None:
        """Seal under keys of this epoch from now on, and have the sealing processes forget older ones.

        From any thread."""
        with self._entering:
            self._shared.value = max(self._shared.value, epoch)

    def _seal_here(self, request: AppendRequest, epoch: int) -> SealedRequest:
        return self._sealer.seal_rows(read_request(request, self._classes), epoch)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        if self._pool is broken:
            self._pool = self._new_pool()
            for process in list((broken._processes or {}).values()):
                process.kill()  # It may be stopped, and would never end by itself.
            broken.shutdown(wait=False, cancel_futures=True)

    def _new_pool(self) -> ProcessPoolExecutor:
        if self._recipe is None:
            raise ValueError("sealing processes need to know how to open the keyring")
        pool = ProcessPoolExecutor(
            self._processes,
            mp_context=_context,
            initializer=partial(_become_sealer, self._recipe, self._now, os.getpid(), self._shared),
        )
        for _ in range(self._processes):
            pool.submit(os.getpid)  # Processes start with their first task: let it be this one.
        return pool


_sealer: Sealer


def _become_sealer(recipe: KeyringRecipe, now: Clock, parent: int, epoch: c_uint64) -> None:
    global _sealer  # noqa: PLW0603 - one process, one sealer: the pool offers no other place to keep it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    keyring = recipe.open()
    threading.Thread(target=_forget_with, args=(epoch, epoch.value, keyring), daemon=True).start()
    _sealer = Sealer(keyring, now, os.urandom)


def _end_with(parent: int) -> None:
    """End when the log's process is gone: a killed parent can't tell its children to."""
    while os.getppid() == parent:
        threading.Event().wait(_ORPHAN_SECONDS)
    os._exit(1)


def _forget_with(epoch: c_uint64, seen: int, keyring: Keyring) -> None:
    """Forget keys when the epoch moves on. Not left to the thread above: the keyring may be waited for."""
    while True:
        threading.Event().wait(_FORGET_SECONDS)
        if (now := epoch.value) != seen:
            keyring.drop_caches()
            seen = now


def _seal_there(request: AppendRequest, classes: Collection[str], epoch: int) -> SealedRequest:
    return _sealer.seal_rows(read_request(request, classes), epoch)

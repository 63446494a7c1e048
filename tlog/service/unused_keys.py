"""Keys of persons that were made for requests of which nothing, or not all, was stored: destroyed, so that no keyed
hash of somebody stays of whom the log holds nothing.

Only keys that such a request made itself are looked at, and of these those go that nothing uses (`OrphanKeys`): no
part, no hold in force, no act. It happens while no act runs, so nobody relies on a key that is not written down yet,
and nothing is stored meanwhile; what was sealed under such a key and comes later is sealed again under another one.

That costs everything which is being sealed at that moment another sealing. So it is done at most once in
`INTERVAL_SECONDS`, longer than the largest request takes: a client that has nothing but refused requests can't keep
others from being stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from itertools import islice
from typing import Final

import structlog

from tlog.errors import LogHalted, TlogError
from tlog.keys.keyring import Keyring
from tlog.service.acts import Acts
from tlog.storage.log_store import LogStore
from tlog.storage.orphan_keys import OrphanKeys

INTERVAL_SECONDS: Final = 10.0
BATCH: Final = 5000
"""Keys at once: appends wait meanwhile, a tenth of a second with SQLite, half a second with PostgreSQL."""
MOST: Final = 200_000
"""Keys remembered; of more, the next expiry finds those that nothing uses."""
_logger = structlog.get_logger()


class UnusedKeys:
    """Belongs to one event loop."""

    def __init__(self, store: LogStore, keyring: Keyring, acts: Acts) -> None:
        self._store = store
        self._keyring = keyring
        self._acts = acts
        self._noted: dict[int, None] = {}
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._next = 0.0

    def note(self, key_ids: Collection[int]) -> None:
        """Destroy soon those of the keys that nothing uses."""
        self._noted |= dict.fromkeys(islice(key_ids, MOST - len(self._noted)))
        if self._task is None and self._noted:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="unused keys")

    async def stop(self) -> None:
        """Destroy without further waiting what is noted. Call it once nothing is appended any more."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        for _ in range(0, len(self._noted), BATCH):
            await self._turn()

    async def _run(self) -> None:
        try:
            while self._noted and not self._stopping.is_set():
                await self._pause()
                await self._turn()
        finally:
            self._task = None

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), max(0.0, self._next - asyncio.get_running_loop().time()))
        except TimeoutError:
            return

    async def _turn(self) -> None:
        some = list(islice(self._noted, BATCH))
        async with self._acts.lock:
            try:
                self._acts.require_open()
                gone = await asyncio.to_thread(self._forget, some)
            except LogHalted:
                self._noted.clear()  # Its database may be an older one, which does not know what uses them.
                return
            except TlogError as error:
                _logger.error("unused keys are not destroyed yet", reason=str(error))
                gone = 1
            else:
                for key_id in some:
                    self._noted.pop(key_id, None)
        if gone:
            self._next = asyncio.get_running_loop().time() + INTERVAL_SECONDS

    def _forget(self, key_ids: Collection[int]) -> int:
        orphans = OrphanKeys(self._store)
        unused = orphans.among(list(key_ids))
        return orphans.destroy(unused, self._keyring.destroy_persons) if unused else 0

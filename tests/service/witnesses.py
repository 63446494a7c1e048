"""Witnesses for the service's tests: real ones of this project in this process, and one that lies."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from tlog.formats.policy import WitnessLine
from tlog.formats.quorum import Group
from tlog.formats.vkey import VKey
from witness.directory import create_directory, load_cosigner, open_store
from witness.group_commit import GroupCommit
from witness.http import make_app
from witness.logs import LogSettings, add_log, pinned_state
from witness.metrics import Metrics
from witness.witness import Witness


class RunningWitness:
    """A real witness that can be stopped and started again at the same address."""

    def __init__(
        self, folder: Path, name: str, log: Sequence[VKey], now: Callable[[], int] = lambda: int(time.time())
    ) -> None:
        """`now` returns seconds since the epoch."""
        self._now = now
        self.identity = create_directory(folder, name)
        self.folder = folder
        self._store = open_store(folder)
        settings = LogSettings(log[0].name, tuple(log))
        add_log(self._store, settings, pinned_state(settings, None))
        self._port: int | None = None

    async def start(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        witness = Witness(self._store, load_cosigner(self.folder), self._now, self._pool)
        metrics = Metrics()
        self._group = GroupCommit(witness, metrics)
        self._server = TestServer(make_app(witness, self._group, metrics), port=self._port)
        await self._server.start_server()
        self._port = self._server.port

    async def stop(self) -> None:
        await self._server.close()
        await self._group.close()
        self._pool.shutdown()

    def close(self) -> None:
        self._store.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    def lines(self) -> tuple[WitnessLine, ...]:
        name = self.identity.name.encode()
        return tuple(
            WitnessLine(name + suffix, vkey, self.url)
            for suffix, vkey in zip((b"-ed25519", b"-ml-dsa-44"), self.identity.vkeys, strict=True)
        )

    def group(self) -> Group:
        return Group(self.identity.name.encode(), 2, tuple(line.name for line in self.lines()))


Answer = Callable[[web.Request], Awaitable[web.Response]]


async def serve_liar(add_checkpoint: Answer, checkpoint: Answer | None = None) -> TestServer:
    """Serve a witness that answers what the test says."""
    app = web.Application()
    app.router.add_post("/add-checkpoint", add_checkpoint)
    if checkpoint is not None:
        app.router.add_get("/{origin_hash}/checkpoint", checkpoint)
    server = TestServer(app)
    await server.start_server()
    return server

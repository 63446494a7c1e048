"""A real log behind a real socket, with a front that fails on purpose: loses requests, answers, or refuses."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support import MadeLog, running_log
from tlog.errors import Overloaded, TlogError
from tlog.http.app import create_app
from tlog.http.problem import refusal

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Front:
    """What goes wrong with the next POSTs, in order; then nothing does.

    `lose` drops the connection before the log hears, `lose answer` after it has stored, `busy` is its own
    refusal with Retry-After 1, and an error is refused as that.
    """

    plan: deque[str | TlogError] = field(default_factory=deque)
    requests: int = 0

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method != "POST":
            return await handler(request)
        self.requests += 1
        step = self.plan.popleft() if self.plan else ""
        if isinstance(step, TlogError):
            await request.read()
            return refusal(step)
        if step == "busy":
            await request.read()
            return refusal(Overloaded("the queue is full; nothing was stored", 1))
        answer = None if step == "lose" else await handler(request)
        if answer is None or step == "lose answer":
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError
        return answer


@dataclass(frozen=True, slots=True)
class Served:
    """A served log, its URL, a token of the source `clinic`, and what may go wrong."""

    made: MadeLog
    url: str
    token: str
    front: Front


@asynccontextmanager
async def served(folder: Path, **options: Any) -> AsyncIterator[Served]:
    async with running_log(folder, **options) as made:
        front = Front()
        app = create_app(made.log)
        # A method cannot carry aiohttp's mark of a middleware by itself; its function does.
        app.middlewares.append(front.middleware)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            yield Served(made, f"http://127.0.0.1:{port}", made.token(), front)
        finally:
            await runner.cleanup()

"""A proxy between a browser and a served log that forwards everything and changes what a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

Change = Callable[[str, bytes], bytes]
"""Takes the path that was asked for and the answer's body; returns the body that goes on."""
_NOT_FORWARDED = {"connection", "content-length", "transfer-encoding", "host", "accept-encoding", "origin"}


def nothing(_path: str, body: bytes) -> bytes:
    return body


class Proxy:
    """A running proxy. `change` may be replaced at any time; `changed` are the paths whose answers it changed."""

    def __init__(self, log: str, session: aiohttp.ClientSession) -> None:
        self._log = log
        self._session = session
        self.url = ""
        self.change: Change = nothing
        self.changed: list[str] = []

    def tamper(self, change: Change) -> None:
        """Change answers so from now on."""
        self.change, self.changed = change, []

    async def forward(self, request: web.Request) -> web.Response:
        """Answer any request with the log's answer to it."""
        sent = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED}
        url, body = self._log + request.raw_path, await request.read()
        async with self._session.request(
            request.method, url, data=body or None, headers=sent, allow_redirects=False
        ) as answer:
            data = await answer.read()
            headers = answer.headers.copy()
        for name in ("Content-Length", "Transfer-Encoding", "Connection"):
            headers.popall(name, None)
        changed = self.change(request.path, data)
        if changed != data:
            self.changed.append(request.path)
        return web.Response(status=answer.status, body=changed, headers=headers)


@asynccontextmanager
async def tampering_proxy(log: str) -> AsyncIterator[Proxy]:
    """Run one before the log at this address, for the length of a block."""
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, auto_decompress=False) as session:
        proxy = Proxy(log, session)
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{path:.*}", proxy.forward)
        async with TestServer(app) as server:
            proxy.url = str(server.make_url("")).rstrip("/")
            yield proxy

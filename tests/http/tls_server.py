"""A server with one handler, over TLS and with client certificates as `tlog serve` has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.http.certificate import self_signed
from tlog.cli.config import Listen
from tlog.cli.tls import server_context
from tlog.http.app import SERVER
from tlog.http.connections import Connections


@asynccontextmanager
async def tls_server(
    handler: Callable[[web.Request], Awaitable[web.Response]], folder: Path, ca: Path | None, tls: bool = True
) -> AsyncIterator[str]:
    """Serve `GET /` for the length of a block; yields the URL. The server's certificate is `folder/chain.pem`."""
    app = web.Application(handler_args=SERVER)
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    assert runner.server is not None
    listen = Listen()
    if tls:
        certificate, key = self_signed(folder)
        listen = Listen(tls_cert=str(certificate), tls_key=str(key), client_ca=None if ca is None else str(ca))
    connections = Connections(runner.server, SERVER, 100, server_context(listen))
    try:
        port = await connections.listen("127.0.0.1", 0)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/"
    finally:
        connections.close()
        await runner.cleanup()

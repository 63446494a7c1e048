"""A log behind a listening socket: started, answering, stopped without losing what it accepted."""

from __future__ import annotations

import asyncio
import resource
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
import uvloop
from aiohttp import web

from tlog.cli.config import Listen
from tlog.errors import ConfigurationInvalid
from tlog.http.app import SERVER, create_app
from tlog.http.connections import Connections, max_open_under
from tlog.service.log import Log, LogParts
from web.app import add_pages

MAX_DESCRIPTORS: Final = 65536
SHUTDOWN_SECONDS: Final = 5  # for requests under way; what they stored is durable whether or not they hear of it
_logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running log answers, and which log it is. `halted`: why it takes and signs nothing, None if it does."""

    url: str
    port: int
    origin: str
    halted: str | None = None


def serve_log(parts: LogParts, listen: Listen, ready: Callable[[Address], None]) -> None:
    """Run the log until SIGTERM or SIGINT; `ready` is called once it answers and may be appended to.

    Raises `ConfigurationInvalid`, `StorageFault`, `Unavailable` if it cannot start.
    """
    tls = _tls_context(listen)
    log = Log(parts)
    uvloop.run(_run(log, listen, tls, ready))


async def _run(log: Log, listen: Listen, tls: ssl.SSLContext | None, ready: Callable[[Address], None]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = create_app(log)
    add_pages(app, log)
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    connections = _connections(runner, tls)
    started = False
    try:
        # The port first: whoever cannot have it must not have asked the witnesses or signed anything.
        url, port = await _listen(connections, listen)
        await log.start()
        started = True
        halted = (log.publisher.problem or "see stderr") if log.publisher.halted else None
        ready(Address(url, port, log.signer.origin, halted))
        await stop.wait()
        _logger.info("stopping")
    finally:
        connections.close()
        await runner.cleanup()
        if started:
            await log.stop()


def raise_descriptor_limit() -> int:
    """Raise the soft limit on file descriptors to the hard one, or to what is of use. Return the soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    useful = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= useful:
        return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (useful, hard))
    return useful


def _connections(runner: web.AppRunner, tls: ssl.SSLContext | None) -> Connections:
    assert runner.server is not None  # noqa: S101 - it is set up
    return Connections(runner.server, SERVER, max_open_under(raise_descriptor_limit()), tls)


async def _listen(connections: Connections, listen: Listen) -> tuple[str, int]:
    try:
        port = await connections.listen(listen.host, listen.port)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationInvalid(f"cannot listen on {listen.host} port {listen.port}: {reason}") from None
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    scheme = "http" if listen.tls_cert is None else "https"
    return f"{scheme}://{host}:{port}", port


def _tls_context(listen: Listen) -> ssl.SSLContext | None:
    if listen.tls_cert is None and listen.tls_key is None:
        return None
    if listen.tls_cert is None or listen.tls_key is None:
        raise ConfigurationInvalid("TLS needs both a certificate and its key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(listen.tls_cert, listen.tls_key)
    except OSError as error:  # SSLError is one
        reason = error.strerror or str(error)
        raise ConfigurationInvalid(f"cannot use the certificate {listen.tls_cert} with its key: {reason}") from None
    return context

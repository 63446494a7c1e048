"""A log behind a listening socket: started, answering, stopped without losing what it accepted."""

from __future__ import annotations

import asyncio
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
from tlog.http.app import create_app
from tlog.service.log import Log, LogParts

SHUTDOWN_SECONDS: Final = 5  # for requests under way; what they stored is durable whether or not they hear of it
_logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running log answers, and which log it is."""

    url: str
    port: int
    origin: str


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
    runner = web.AppRunner(create_app(log), shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    started = False
    try:
        # The port first: whoever cannot have it must not have asked the witnesses or signed anything.
        url, port = await _listen(runner, listen, tls)
        await log.start()
        started = True
        ready(Address(url, port, log.signer.origin))
        await stop.wait()
        _logger.info("stopping")
    finally:
        await runner.cleanup()
        if started:
            await log.stop()


async def _listen(runner: web.AppRunner, listen: Listen, tls: ssl.SSLContext | None) -> tuple[str, int]:
    site = web.TCPSite(runner, listen.host, listen.port, ssl_context=tls, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationInvalid(f"cannot listen on {listen.host} port {listen.port}: {reason}") from None
    port = int(runner.addresses[0][1])
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    return f"{'https' if tls else 'http'}://{host}:{port}", port


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

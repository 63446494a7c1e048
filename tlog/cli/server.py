"""A log behind a listening socket: started, answering, stopped without losing what it accepted."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
import uvloop
from aiohttp import web

from tlog.cli.config import Listen
from tlog.cli.tls import server_context
from tlog.errors import ConfigurationInvalid
from tlog.http.app import SERVER, authenticator_of, create_app
from tlog.http.connections import Connections, max_open_under
from tlog.http.openid import CALLBACK
from tlog.http.renderers import Renderers
from tlog.service.identity.opened import OpenedIdentity, open_identity
from tlog.service.identity.settings import OidcSettings
from tlog.service.log import Log
from tlog.service.log_parts import LogParts
from web.app import add_pages
from web.evidence_page import evidence_page
from web.subject_access_page import subject_access_page

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


def serve_log(
    parts: LogParts, listen: Listen, ready: Callable[[Address], None], oidc: OidcSettings | None = None
) -> None:
    """Run the log until SIGTERM or SIGINT; `ready` is called once it answers and may be appended to.

    `oidc` is the identity provider, if there is one.

    Raises `ConfigurationInvalid`, `StorageFault`, `Unavailable` if it cannot start.
    """
    tls = server_context(listen)
    log = Log(parts)
    uvloop.run(_run(log, listen, tls, ready, oidc))


async def _run(
    log: Log,
    listen: Listen,
    tls: ssl.SSLContext | None,
    ready: Callable[[Address], None],
    oidc: OidcSettings | None,
) -> None:
    async with _identity(oidc, listen) as identity:
        await _serve(log, listen, tls, ready, identity)


async def _serve(
    log: Log,
    listen: Listen,
    tls: ssl.SSLContext | None,
    ready: Callable[[Address], None],
    identity: OpenedIdentity | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    auth = authenticator_of(log, identity, listen.over_tls, listen.public_url)
    renderers = Renderers(evidence_page, subject_access_page)
    app = create_app(log, auth=auth, identity=identity, renderers=renderers)
    add_pages(app, log, login=None if identity is None else identity.login)
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


@asynccontextmanager
async def _identity(oidc: OidcSettings | None, listen: Listen) -> AsyncIterator[OpenedIdentity | None]:
    if oidc is None:
        yield None
        return
    callback = None if listen.public_url is None else listen.public_url.rstrip("/") + CALLBACK
    async with open_identity(oidc, callback, os.urandom) as opened:
        yield opened


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
    return listen.url(port), port

"""A witness running: opens what it needs or says why not, listens, ends on SIGTERM, SIGINT or a halt."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import uvloop
from aiohttp import web

from tlog.errors import ConfigurationInvalid
from tlog.formats.vkey import parse_vkey
from witness.connections import Connections, max_open_under, raise_descriptor_limit
from witness.directory import exclusive, load_cosigner, open_store
from witness.errors import Halted
from witness.group_commit import GroupCommit
from witness.http import SERVER, make_app
from witness.keys import Identity
from witness.listen import Address, Listen
from witness.logging import configure_logging
from witness.logs import LogSettings, check_settings, list_logs
from witness.metrics import Metrics
from witness.refusal_log import RefusalLog
from witness.store import Store
from witness.witness import Witness


def serve(directory: Path, listen: Listen, ready: Callable[[Address], None]) -> None:
    """Run the witness of this folder until it is told to stop; `ready` is called once it answers.

    Raises `ConfigurationInvalid` if it must not start, `Halted` if a failed write stopped it.
    """
    cosigner = load_cosigner(directory)
    tls = _tls_context(listen)
    with exclusive(directory), closing(open_store(directory)) as store:
        _check_logs(store, cosigner.identity)
        with ThreadPoolExecutor(os.cpu_count() or 1, "sign") as pool:
            configure_logging()
            witness = Witness(store, cosigner, lambda: int(time.time()), pool)
            uvloop.run(_run(witness, cosigner.identity, listen, tls, ready))


async def _run(
    witness: Witness,
    identity: Identity,
    listen: Listen,
    tls: ssl.SSLContext | None,
    ready: Callable[[Address], None],
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics, refusal_log = Metrics(), RefusalLog()
    group = GroupCommit(witness, metrics)
    app = make_app(witness, group, metrics, listen.body_seconds, refusal_log)
    runner = web.AppRunner(app, shutdown_timeout=5)
    await runner.setup()
    connections = _connections(runner, listen, tls)
    try:
        ready(await _listen(connections, identity, listen))
        await _first_of(stop, group.halted)
    finally:
        connections.close()
        await runner.cleanup()
        await group.close()
        refusal_log.flush()
    if witness.halted is not None:
        raise Halted(witness.halted)


def _connections(runner: web.AppRunner, listen: Listen, tls: ssl.SSLContext | None) -> Connections:
    assert runner.server is not None  # noqa: S101 - it is set up
    settings = {**SERVER, "keepalive_timeout": listen.idle_seconds}
    return Connections(runner.server, settings, max_open_under(raise_descriptor_limit()), tls)


async def _listen(connections: Connections, identity: Identity, listen: Listen) -> Address:
    try:
        port = await connections.listen(listen.host, listen.port)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot listen on {listen.host} port {listen.port}: {error.strerror}") from error
    host = f"[{listen.host}]" if ":" in listen.host else listen.host
    return Address(listen.host, port, f"{'https' if listen.tls_cert else 'http'}://{host}:{port}", identity)


async def _first_of(*events: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
        with suppress(asyncio.CancelledError):
            await wait


def _tls_context(listen: Listen) -> ssl.SSLContext | None:
    if listen.tls_cert is None and listen.tls_key is None:
        return None
    if listen.tls_cert is None or listen.tls_key is None:
        raise ConfigurationInvalid("TLS needs both a certificate and its key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(listen.tls_cert, listen.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationInvalid(f"cannot use the TLS certificate {listen.tls_cert}: {error}") from error
    return context


def _check_logs(store: Store, identity: Identity) -> None:
    """Refuse to start on keys that must not be trusted, however they came into the database."""
    for log in list_logs(store):
        keys = tuple(parse_vkey(vkey) for vkey in log.vkeys)
        check_settings(LogSettings(log.origin, keys, log.requests_per_day), identity)

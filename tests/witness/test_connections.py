"""Strangers who hold a witness's connections: they end, they are counted, and they keep no log out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop
from aiohttp import web

from tests.witness.conftest import Bench
from tests.witness.log_simulator import LogSimulator
from witness.connections import MAX_OPEN, Connections, max_open_under
from witness.group_commit import GroupCommit
from witness.http import SERVER, make_app
from witness.metrics import Metrics

Loop = Callable[[], asyncio.AbstractEventLoop]


@asynccontextmanager
async def listening(bench: Bench, **limits: float) -> AsyncIterator[tuple[Connections, int]]:
    metrics = Metrics()
    group = GroupCommit(bench.witness, metrics)
    runner = web.AppRunner(make_app(bench.witness, group, metrics))
    await runner.setup()
    assert runner.server is not None
    connections = Connections(runner.server, {**SERVER, "keepalive_timeout": 75.0}, **limits)  # type: ignore[arg-type]
    try:
        yield connections, await connections.listen("127.0.0.1", 0)
    finally:
        connections.close()
        await runner.cleanup()
        await group.close()


async def answer(port: int, sent: bytes) -> bytes:
    """Everything that comes back on a connection of its own, up to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


def add_checkpoint(body: bytes) -> bytes:
    head = f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> asyncio.Runner:
    made: Loop = request.param
    return asyncio.Runner(loop_factory=made)


def test_the_limit_leaves_descriptors_for_the_database() -> None:
    assert max_open_under(1) == 1
    assert max_open_under(1024) < 1024
    assert max_open_under(1 << 20) == MAX_OPEN


def test_idle_strangers_keep_no_log_out(bench: Bench, log: LogSimulator, runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with listening(bench, max_open=8) as (connections, port):
            strangers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
            said = await answer(port, add_checkpoint(log.request(0, 5)))
            assert said.startswith(b"HTTP/1.1 200 ")
            assert len(connections) <= 8
            for _, writer in strangers:
                writer.transport.abort()

    with runner:
        runner.run(main())


@pytest.mark.parametrize("sent", [b"", b"POST /add-", b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nX: "])
def test_a_head_that_never_ends_has_a_deadline(bench: Bench, sent: bytes, runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with listening(bench, header_seconds=0.2) as (connections, port):
            await answer(port, sent)  # It ends: the witness closed it.
            assert len(connections) == 0

    with runner:
        runner.run(main())


@pytest.mark.parametrize("sent", [b"SECRET\r\n\r\n", b"GET / HTTP/1.1\r\nSECRET\r\n\r\n"])
def test_what_is_no_http_is_answered_without_its_bytes(bench: Bench, sent: bytes, runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with listening(bench) as (_, port):
            said = await answer(port, sent)
            assert said.startswith(b"HTTP/1.")
            assert b" 400 " in said
            assert b"SECRET" not in said
            assert b"aiohttp" not in said

    with runner:
        runner.run(main())

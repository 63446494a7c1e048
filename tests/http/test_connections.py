"""Strangers who hold connections: they end, they are counted, and they keep nobody out."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.http.certificate import self_signed
from tests.http.service import Service, serve
from tests.support import entry_document, running_log
from tlog.http.connections import MAX_OPEN, max_open_under

Loop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Loop:
    made: Loop = request.param
    return made


def run(loop: Loop, main: Any) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main)


@asynccontextmanager
async def serving(folder: Path, **limits: Any) -> AsyncIterator[Service]:
    async with running_log(folder / "log") as made, serve(made, **limits) as service:
        yield service


@asynccontextmanager
async def held(service: Service, sent: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    """A connection without TLS on which these bytes were sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(sent)
    try:
        yield reader
    finally:
        writer.transport.abort()


async def ended(reader: asyncio.StreamReader) -> None:
    """Read until the server ends the connection, which it must do."""
    async with asyncio.timeout(20):
        while not reader.at_eof():
            try:
                await reader.read(1 << 16)
            except ConnectionResetError:
                return


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110 - what is waited for is a plain number of the server's
            await asyncio.sleep(0.001)


def test_the_limit_leaves_descriptors_for_the_log() -> None:
    assert [max_open_under(n) for n in (1, 128, 1024, 1 << 20)] == [1, 32, 256, MAX_OPEN]


GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HT", GET[:-2]], ids=repr)
def test_a_head_that_never_ends(tmp_path: Path, loop: Loop, sent: bytes) -> None:
    async def main() -> None:
        async with serving(tmp_path, header_seconds=0.3) as service, held(service, sent) as reader:
            await ended(reader)
            await until(lambda: len(service.connections) == 0)

    run(loop, main())


def test_a_head_that_dribbles_after_an_answer(tmp_path: Path, loop: Loop) -> None:
    async def main() -> None:
        async with serving(tmp_path, header_seconds=0.3) as service:
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            writer.write(GET)
            await reader.readuntil(b"ok")
            async with asyncio.timeout(20):
                while service.connections and not reader.at_eof():
                    writer.write(b"G")
                    await asyncio.sleep(0.05)
            writer.transport.abort()

    run(loop, main())


async def test_an_idle_connection_is_kept_and_a_slow_request_is_not_cut(tmp_path: Path) -> None:
    async with serving(tmp_path, header_seconds=0.1) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        head = f"Authorization: Bearer {service.token}\r\nContent-Type: application/json\r\nContent-Length: "
        for seq in range(2):
            body = json.dumps(entry_document(seq=seq)).encode()
            writer.write(f"POST /v1/entries HTTP/1.1\r\nHost: x\r\n{head}{len(body)}\r\n\r\n".encode() + body[:9])
            await asyncio.sleep(0.3)  # longer than a head may take; this is a body
            writer.write(body[9:])
            assert b" 201 " in await reader.readuntil(b"\r\n")
            await reader.readuntil(b"}]}")
            await asyncio.sleep(0.3)
        writer.close()
        await writer.wait_closed()


def test_silent_connections_yield_to_new_ones(tmp_path: Path, loop: Loop) -> None:
    async def main() -> None:
        async with serving(tmp_path, max_open=10) as service, AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(held(service)) for _ in range(30)]
            for reader in readers[:15]:
                await ended(reader)
            assert (await service.append(entry_document())).status == 201
            assert len(service.connections) <= 10

    run(loop, main())


def test_idle_connections_yield_to_new_ones(tmp_path: Path, loop: Loop) -> None:
    async def main() -> None:
        async with serving(tmp_path, max_open=4) as service, AsyncExitStack() as stack:
            for _ in range(8):
                reader = await stack.enter_async_context(held(service, GET))
                await reader.readuntil(b"ok")
            assert (await service.append(entry_document())).status == 201
            assert len(service.connections) <= 4

    run(loop, main())


def test_requests_under_way_do_not_yield(tmp_path: Path, loop: Loop) -> None:
    async def main() -> None:
        async with serving(tmp_path, max_open=2) as service, AsyncExitStack() as stack:
            head = f"POST /v1/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.token}\r\n"
            sent = f"{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n1".encode()
            await stack.enter_async_context(held(service, sent))
            await stack.enter_async_context(held(service, sent))
            await until(lambda: service.connections.at_work == 2)
            await ended(await stack.enter_async_context(held(service, GET)))
            assert service.connections.at_work == 2

    run(loop, main())


def test_under_tls(tmp_path: Path, loop: Loop) -> None:
    """Handshakes that never end count, yield, and end; good ones are answered, also in the same segment."""
    certificate, key = self_signed(tmp_path)
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context(cafile=certificate)
    server.load_cert_chain(certificate, key)

    async def main() -> None:
        async with serving(tmp_path, max_open=10, tls=server, header_seconds=1) as service, AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(held(service, b"\x16"[: n % 2])) for n in range(30)]
            for _ in range(5):
                reader, writer = await asyncio.open_connection("127.0.0.1", service.port, ssl=client)
                writer.write(GET)
                assert b"Strict-Transport-Security" in await reader.readuntil(b"ok")
                writer.close()
                await writer.wait_closed()
            await ended(await stack.enter_async_context(held(service, b"GET / HTTP/1.1\r\n\r\n")))
            silent, writer = await asyncio.open_connection("127.0.0.1", service.port, ssl=client)
            for reader in [*readers, silent]:
                await ended(reader)
            writer.transport.abort()
            await until(lambda: len(service.connections) == 0)

    run(loop, main())

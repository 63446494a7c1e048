from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.generator import LoadFailed, offer
from bench.load.closed_loop import closed_loop
from bench.load.connection import BrokenAnswer, Connection, answer_end, connect
from bench.load.job import Answered, Job, http_request
from bench.load.open_loop import open_loop
from bench.load.tally import Tally

ANSWER = b"HTTP/1.1 201 Created\r\nCONTENT-Length: 5\r\nX: y\r\n\r\nhello"


@asynccontextmanager
async def serving(handler: Callable[[web.Request], web.Response]) -> AsyncIterator[TestServer]:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    server = TestServer(app)
    await server.start_server()
    try:
        yield server
    finally:
        await server.close()


@pytest.mark.parametrize("cut", range(len(ANSWER)))
def test_the_end_of_an_answer_is_known_once_its_head_is_whole(cut: int) -> None:
    head = ANSWER.index(b"hello")
    assert answer_end(ANSWER[:cut]) == (len(ANSWER) if cut >= head else 0)


def test_an_answer_without_a_length_is_refused() -> None:
    with pytest.raises(BrokenAnswer, match="Content-Length"):
        answer_end(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


async def test_a_closed_loop_sends_every_request_once_and_each_queue_in_order() -> None:
    seen: list[str] = []

    def handle(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(body=b"x" * 70_000)

    async with serving(handle) as server:
        assert server.port is not None
        connections = [await connect("127.0.0.1", server.port) for _ in range(3)]
        queues = [[http_request("POST", f"/{queue}/{n}", b"b" * 100) for n in range(5)] for queue in range(3)]
        tally = Tally()
        await closed_loop(connections, queues, tally)
        for connection in connections:
            connection.close()
    assert tally.result().statuses == {200: 15}
    for queue in range(3):
        assert [path for path in seen if path.startswith(f"/{queue}/")] == [f"/{queue}/{n}" for n in range(5)]


async def test_an_open_loop_counts_from_when_a_request_was_due() -> None:
    gate = asyncio.Event()

    async def handle(_: web.Request) -> web.Response:
        await gate.wait()
        return web.Response(status=202)

    app = web.Application()
    app.router.add_get("/", handle)
    server = TestServer(app)
    await server.start_server()
    assert server.port is not None
    tally = Tally()
    idle: list[Connection] = []
    load = asyncio.create_task(
        open_loop(("127.0.0.1", server.port), idle, [http_request("GET", "/")] * 10, 100.0, tally)
    )
    await asyncio.sleep(0.2)  # the load itself is measured in time: ten requests, the last due after 0.09 s
    gate.set()
    await load
    for connection in idle:
        connection.close()
    await server.close()
    latencies = tally.result().latencies
    assert tally.result().statuses == {202: 10}
    assert len(idle) == 10, "nobody waited for an earlier answer"
    assert latencies[0] >= 0.1
    assert latencies[-1] - latencies[0] == pytest.approx(0.09, abs=0.05)


async def test_a_connection_that_breaks_off_is_an_error() -> None:
    async def slam(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER[:-2])
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(slam, "127.0.0.1", 0)
    connection = await connect("127.0.0.1", server.sockets[0].getsockname()[1])
    with pytest.raises(BrokenAnswer, match="connection lost"):
        await connection.send(http_request("GET", "/"))
    server.close()
    await server.wait_closed()


@pytest.mark.processes
async def test_a_generator_process_reports_what_it_measured() -> None:
    def handle(request: web.Request) -> web.Response:
        return web.Response(status=201)

    async with serving(handle) as server:
        assert server.port is not None
        job = Job(host="127.0.0.1", port=server.port, connections=4, queues=[[http_request("POST", "/", b"1")] * 50])
        began: list[int] = []
        answered = await asyncio.to_thread(offer, job, lambda: began.append(1))
    assert began == [1]
    assert answered.count(201) == len(answered.latencies) == 50
    assert answered.latencies == sorted(answered.latencies)
    assert 0 < answered.latencies[-1] <= answered.seconds


@pytest.mark.processes
async def test_a_refusal_fails_the_load_and_is_quoted() -> None:
    async with serving(lambda _: web.Response(status=429, body=b"the queue is full")) as server:
        assert server.port is not None
        job = Job(host="127.0.0.1", port=server.port, connections=1, queues=[[http_request("POST", "/", b"1")] * 2])
        with pytest.raises(LoadFailed, match=r"2 requests were refused .*the queue is full"):
            await asyncio.to_thread(offer, job)


@pytest.mark.processes
def test_a_generator_that_cannot_connect_fails(tmp_path: Path) -> None:
    with pytest.raises(LoadFailed, match="ended with 1"):
        offer(Job(host="127.0.0.1", port=1, connections=1, queues=[[]]))


def test_counting_by_status() -> None:
    answered = Answered(seconds=1, statuses={200: 2, 202: 3}, latencies=[], cpu=0)
    assert (answered.count(200, 202), answered.count(500)) == (5, 0)

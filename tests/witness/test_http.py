"""The wire: statuses, headers, limits, and clients that behave badly. In one process, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from tests.witness.conftest import Bench
from tests.witness.log_simulator import LogSimulator
from tlog import errors
from tlog.errors import TlogError
from tlog.formats.add_checkpoint import MAX_REQUEST_BYTES, origin_hash
from tlog.formats.note import parse_note, parse_signature_lines
from witness import errors as witness_errors
from witness.group_commit import GroupCommit
from witness.http import STATUSES, make_app, status_of
from witness.metrics import Metrics
from witness.refusal_log import RefusalLog
from witness.server_log import LOGGER


class Client:
    """A served witness and a session to ask it."""

    def __init__(self, port: int, session: ClientSession, group: GroupCommit) -> None:
        self.port = port
        self.session = session
        self.group = group

    async def get(self, path: str) -> tuple[int, str, bytes]:
        async with self.session.get(f"http://127.0.0.1:{self.port}{path}") as response:
            return response.status, response.headers["Content-Type"], await response.read()

    async def post(self, body: bytes, **headers: str) -> tuple[int, str, bytes]:
        url = f"http://127.0.0.1:{self.port}/add-checkpoint"
        async with self.session.post(url, data=body, headers=headers) as response:
            return response.status, response.headers["Content-Type"], await response.read()


@asynccontextmanager
async def serving(
    bench: Bench, body_seconds: float = 10, idle_seconds: float = 75, refusal_log: RefusalLog | None = None
) -> AsyncIterator[Client]:
    metrics = Metrics()
    group = GroupCommit(bench.witness, metrics)
    app = make_app(bench.witness, group, metrics, body_seconds, refusal_log)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=idle_seconds, auto_decompress=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with ClientSession() as session:
            yield Client(runner.addresses[0][1], session, group)
    finally:
        await runner.cleanup()
        await group.close()


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[Client]:
    async with serving(bench) as client:
        yield client


async def test_statuses_and_media_types(bench: Bench, log: LogSimulator, client: Client) -> None:
    status, kind, lines = await client.post(log.request(0, 5))
    assert (status, kind) == (200, "text/plain; charset=utf-8")
    bench.verify(log.text(5), parse_signature_lines(lines))
    assert await client.post(log.request(0, 5)) == (409, "text/x.tlog.size", b"5\n")
    for body, expected in [
        (b"junk", 400),
        (log.request(6, 5, proof=()), 400),
        (LogSimulator.make("other.example").request(0, 5), 404),
        (LogSimulator.make(log.origin).request(5, 6), 403),
        (log.branch(2).request(5, 9), 422),
    ]:
        status, kind, _ = await client.post(body)
        assert (status, kind) == (expected, "text/plain; charset=utf-8")
    bench.now -= 1
    status, _, said = await client.post(log.request(5, 9))
    assert status == 503
    assert b"clock" in said
    assert (await client.get("/readyz"))[0] == 503
    assert b"tlog_witness_ready 0.0" in (await client.get("/metrics"))[2]


async def test_first_contact_body_is_0(log: LogSimulator, client: Client) -> None:
    assert await client.post(log.request(3, 5)) == (409, "text/x.tlog.size", b"0\n")


async def test_too_many_requests_say_when_to_ask_again(bench: Bench, client: Client) -> None:
    log = LogSimulator.make()
    bench.trust(log, limit=1)
    assert (await client.post(log.request(0, 5)))[0] == 200
    url = f"http://127.0.0.1:{client.port}/add-checkpoint"
    async with client.session.post(url, data=log.request(5, 6)) as response:
        assert response.status == 429
        assert int(response.headers["Retry-After"]) == 86_400 - bench.now % 86_400


async def test_the_operator_sees_what_was_refused(bench: Bench, log: LogSimulator, client: Client) -> None:
    """A log that is misconfigured is found from the witness's side: its origin, the status and the reason."""
    stranger = LogSimulator.make("other.example")
    with capture_logs() as lines:
        for body in (
            stranger.request(0, 5),
            LogSimulator.make(log.origin).request(0, 5),
            log.request(3, 5),
            log.request(0, 5, proof=[b"\3" * 32]),
            b"junk",
            b"x" * (MAX_REQUEST_BYTES + 1),
            log.request(0, 5),
        ):
            await client.post(body)
    refused = [line for line in lines if line["event"] == "refused"]
    assert [(line["origin"], line["status"]) for line in refused] == [
        (stranger.origin, 404),
        (log.origin, 403),
        (log.origin, 409),
        (log.origin, 422),
        ("", 400),
        ("", 413),
    ]
    assert refused[0]["origin_hash"] == origin_hash(stranger.origin)
    assert "trusted key" in refused[1]["reason"]
    assert "size 0" in refused[2]["reason"]


async def test_monitoring(bench: Bench, log: LogSimulator, client: Client) -> None:
    path = f"/{origin_hash(log.origin)}/checkpoint"
    assert (await client.get(path))[0] == 404
    _, _, lines = await client.post(log.request(0, 5))
    status, _, note = await client.get(path)
    assert status == 200
    served = parse_note(note)
    assert served.text == log.text(5)
    assert served.signatures[-2:] == parse_signature_lines(lines)
    for wrong in [path.upper(), f"/{'0' * 64}/checkpoint", f"/{'0' * 63}/checkpoint", path + "/"]:
        assert (await client.get(wrong))[0] == 404


async def test_operators_routes(log: LogSimulator, client: Client) -> None:
    assert (await client.get("/healthz"))[0] == 200
    assert (await client.get("/readyz"))[0] == 200
    await client.post(log.request(0, 5))
    status, kind, text = await client.get("/metrics")
    assert status == 200
    assert kind.startswith("text/plain; version=")
    assert b'tlog_witness_add_checkpoint_requests_total{status="200"} 1.0' in text
    assert b"tlog_witness_ready 1.0" in text


async def test_concurrent_requests_share_batches(bench: Bench, client: Client) -> None:
    logs = [LogSimulator.make(f"log.example/{i}", size=4) for i in range(40)]
    for log in logs:
        bench.trust(log, keys="ed25519")
    answers = await asyncio.gather(*(client.post(log.request(0, 4, keys="ed25519")) for log in logs))
    for log, (status, _, lines) in zip(logs, answers, strict=True):
        assert status == 200
        bench.verify(log.text(4), parse_signature_lines(lines))
    text = (await client.get("/metrics"))[2].decode()
    batches = next(line for line in text.splitlines() if line.startswith("tlog_witness_batch_requests_count"))
    assert float(batches.split()[1]) < 40


async def test_concurrent_rivals_over_http(bench: Bench, log: LogSimulator, client: Client) -> None:
    """Twenty clients, two trees, one size: exactly one is cosigned."""
    fork = log.branch(0)
    bodies = [tree.request(0, 9, keys="ed25519") for tree in (log, fork) for _ in range(10)]
    answers = await asyncio.gather(*(client.post(body) for body in bodies))
    assert sorted(status for status, _, _ in answers) == [200] + [409] * 19


# --- limits ------------------------------------------------------------------------------------------------


async def test_largest_request_is_read(client: Client) -> None:
    assert (await client.post(b"x" * MAX_REQUEST_BYTES))[0] == 400
    assert (await client.post(b"x" * (MAX_REQUEST_BYTES + 1)))[0] == 413


async def test_endless_body_is_cut_off(log: LogSimulator, client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    url = f"http://127.0.0.1:{client.port}/add-checkpoint"
    try:
        async with client.session.post(url, data=endless()) as response:
            assert response.status == 413
    except OSError:
        pass  # the witness closed the connection while we wrote
    assert (await client.post(log.request(0, 5)))[0] == 200


async def test_compressed_body_is_not_opened(log: LogSimulator, client: Client) -> None:
    assert (await client.post(log.request(0, 5), **{"Content-Encoding": "gzip"}))[0] == 200
    assert (await client.post(b"\x1f\x8b" + b"\0" * 50, **{"Content-Encoding": "gzip"}))[0] == 400


async def test_stalled_body_is_timed_out(bench: Bench, log: LogSimulator) -> None:
    async with serving(bench, body_seconds=0.2) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000\r\n\r\nold 0\n")
        answer = await asyncio.wait_for(reader.read(), 20)  # to the end: the connection is closed
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert (await client.post(log.request(0, 5)))[0] == 200
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"POST /add-checkpoint HT", b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n"])
async def test_stalled_header_is_timed_out(bench: Bench, log: LogSimulator, sent: bytes) -> None:
    async with serving(bench, idle_seconds=0.2) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 20) == b""
        assert (await client.post(log.request(0, 5)))[0] == 200
        writer.close()


async def test_connection_is_kept_alive(bench: Bench, log: LogSimulator, client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    for _ in range(3):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: w\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"ok\n"), 20)).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_client_that_goes_away(bench: Bench, log: LogSimulator, client: Client) -> None:
    """The request it left behind is answered into nothing, and harms no other."""
    request = log.request(0, 5)
    arrived, go_on = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold() -> None:
        bench.before_commit = lambda: None
        loop.call_soon_threadsafe(arrived.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(20)

    bench.before_commit = hold
    left = asyncio.create_task(client.group.submit(request))
    await arrived.wait()
    left.cancel()
    go_on.set()
    await asyncio.gather(*client.group._running)
    assert bench.state(log).size == 5
    assert (await client.post(log.request(5, 9)))[0] == 200


async def test_waiting_requests_are_bounded(
    bench: Bench, log: LogSimulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("witness.group_commit.MAX_WAITING_BYTES", 10)
    url = f"http://127.0.0.1:{client.port}/add-checkpoint"
    async with client.session.post(url, data=log.request(0, 5)) as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "1")


async def test_bodies_on_their_way_are_bounded(
    log: LogSimulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They count before they are whole, and no longer than they last."""
    request = log.request(0, 5)
    monkeypatch.setattr("witness.bodies.MAX_BODIES_BYTES", 2000)
    head = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 200000\r\n\r\n"
    streams = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(2)]
    for _, writer in streams:
        writer.write(head + bytes(1500))
    waiting = [asyncio.create_task(reader.readuntil(b"\r\n\r\n")) for reader, _ in streams]
    done, held = await asyncio.wait(waiting, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    (refused,), (other,) = done, held
    assert (await refused).startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 1\r\n" in await refused
    monkeypatch.setattr("witness.bodies.MAX_BODIES_BYTES", 1500 + len(request) + 100)
    assert (await client.post(request))[0] == 200
    assert (await client.post(request))[0] == 409  # the first gave its bytes back
    for _, writer in streams:
        writer.close()
    await asyncio.gather(other, *(writer.wait_closed() for _, writer in streams), return_exceptions=True)


async def test_what_is_no_http_leaves_no_trace(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    for sent in (b"SECRET\r\n\r\n", b"GET / HTTP/1.1\r\nSECRET\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(sent)
        assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.")
        writer.close()
        await writer.wait_closed()
    LOGGER.error("request %s", "SECRET")
    said = capfd.readouterr()
    assert "SECRET" not in said.out + said.err
    assert "127.0.0.1" not in said.out + said.err


def test_every_outcome_has_a_status() -> None:
    for module in (errors, witness_errors):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, TlogError) and kind.__module__ == witness_errors.__name__:
                assert any(ancestor in STATUSES for ancestor in kind.__mro__), kind
    assert status_of(TlogError("a stranger")) == 500

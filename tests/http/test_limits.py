"""Back-pressure: what does not fit is refused at once and holds no memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.http.service import Answer, Service, serve
from tests.support import entry_document, running_log
from tlog.errors import Overloaded, TooManyRequests
from tlog.http.limits import BodyBudget
from tlog.service.settings import LogSettings


def test_a_budget_is_given_back() -> None:
    bodies = BodyBudget(max_bytes=100)
    with bodies.lease("a") as lease:
        lease.grow_to(10)
        lease.grow_to(5)
        lease.grow_to(40)
        assert bodies.held_bytes == 40
        with pytest.raises(TooManyRequests):
            lease.grow_to(51)
    assert bodies.held_bytes == 0


def test_one_client_takes_half_of_the_budget_at_most() -> None:
    bodies = BodyBudget(max_bytes=100)
    with bodies.lease("a") as first, bodies.lease("a") as second, bodies.lease("b") as other:
        first.grow_to(30)
        with pytest.raises(TooManyRequests):
            second.grow_to(21)
        second.grow_to(20)
        other.grow_to(50)
        with bodies.lease("c") as third, pytest.raises(Overloaded) as refused:
            third.grow_to(1)
        assert not isinstance(refused.value, TooManyRequests)
    assert bodies.held_bytes == 0
    with bodies.lease("a") as again:
        again.grow_to(50)


class Upload:
    """A body under way: announced with its length, its first byte sent, the rest held back."""

    def __init__(self, service: Service, token: str, length: int) -> None:
        self._rest = asyncio.Event()
        self._length = length
        self.answer: asyncio.Task[Answer] = asyncio.create_task(
            service.ask(
                "POST",
                "/v1/entries",
                self._body(),
                token,
                Content_Type="application/json",
                Content_Length=str(length),
            )
        )

    async def _body(self) -> AsyncIterator[bytes]:
        yield b" "
        await self._rest.wait()
        yield b" " * (self._length - 1)

    async def finish(self) -> Answer:
        self._rest.set()
        return await self.answer


async def until(reached: Callable[[], bool]) -> None:
    """Let the server run until it says so."""
    async with asyncio.timeout(20):
        while not reached():  # noqa: ASYNC110 - what is waited for is a plain number of the server's
            await asyncio.sleep(0.001)


async def test_uploads_at_once_are_admitted_by_their_length(tmp_path: Path) -> None:
    bodies = BodyBudget(max_bytes=100_000)
    async with running_log(tmp_path) as made, serve(made, bodies) as service:
        shop, ward = made.token("shop"), made.token("ward")
        first = Upload(service, service.token, 50_000)
        await until(lambda: bodies.held_bytes == 50_000)
        more = await service.append(entry_document())
        assert (more.status, more.slug) == (429, "too-many-requests")
        assert more.headers["Retry-After"] == "1"
        second = Upload(service, shop, 50_000)
        await until(lambda: bodies.held_bytes == 100_000)
        third = await service.append(entry_document(source="ward"), token=ward)
        assert (third.status, third.slug) == (503, "overloaded")
        assert third.headers["Retry-After"] == "1"
        assert (await first.finish()).slug == "entry-invalid"
        assert (await second.finish()).slug == "entry-invalid"
        assert bodies.held_bytes == 0
        assert service.size() == 0
        assert (await service.append(entry_document())).status == 201


async def test_a_full_queue_is_refused_until_it_is_stored(tmp_path: Path) -> None:
    """The database's write lock is held, so the first request stays queued while others come."""
    settings = LogSettings(max_pending_entries=3, checkpoint_interval=0.02, sealing_processes=0)
    bodies = BodyBudget()
    async with running_log(tmp_path, settings=settings) as made, serve(made, bodies) as service:
        assert (await service.append(entry_document())).status == 201  # the keyring's keys exist now
        with made.parts.database.write():
            queued = asyncio.create_task(service.append([entry_document(), entry_document()]))
            await until(lambda: made.log.sequencer.pending_entries > 0)
            pending = made.log.sequencer.pending_entries
            refused = await asyncio.gather(*(service.append([entry_document(), entry_document()]) for _ in range(50)))
            assert {(answer.status, answer.slug) for answer in refused} == {(503, "overloaded")}
            assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
            assert made.log.sequencer.pending_entries == pending
            assert service.size() == 1
        assert (await queued).status == 201
        assert service.size() == 3
        assert (made.log.sequencer.pending_entries, bodies.held_bytes) == (0, 0)

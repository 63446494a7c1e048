from __future__ import annotations

import asyncio

import pytest

from tests.service.identity.signer import Clock
from tlog.errors import MalformedProviderAnswer, ProviderFailed
from tlog.service.identity.refreshed import FAILED_PAUSE_SECONDS, FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS, Refreshed


class Source:
    """Something to fetch: a new number each time, late or never where the test wants it so."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.asked = asyncio.Event()

    async def __call__(self) -> list[int]:
        self.count += 1
        if self.hold is not None:
            self.asked.set()
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return [self.count]


@pytest.fixture
def source() -> Source:
    return Source()


async def test_it_is_fetched_again_when_it_is_old(source: Source) -> None:
    clock = Clock()
    value = Refreshed(source, clock)
    assert await value.get() == await value.get() == [1]
    clock.now += FRESH_SECONDS
    assert await value.get() == [2]


async def test_one_fetch_for_all_who_wait(source: Source) -> None:
    value = Refreshed(source, Clock())
    source.hold = asyncio.Event()
    waiting = [asyncio.create_task(value.get()) for _ in range(5)]
    await source.asked.wait()
    source.hold.set()
    assert await asyncio.gather(*waiting) == [[1]] * 5


async def test_a_slow_provider_holds_nobody_who_has_a_value_in_force(source: Source) -> None:
    clock = Clock()
    value = Refreshed(source, clock)
    await value.get()
    clock.now += FRESH_SECONDS
    source.hold = asyncio.Event()
    first = asyncio.create_task(value.get())
    await source.asked.wait()
    assert await asyncio.wait_for(value.get(), 1) == [1]
    source.hold.set()
    assert await first == [2]


async def test_pauses(source: Source) -> None:
    clock = Clock()
    value = Refreshed(source, clock)
    seen = await value.get()
    assert await value.renewed(seen) is seen
    clock.now += PAUSE_SECONDS
    source.error = MalformedProviderAnswer("bad")
    assert await value.renewed(seen) is seen
    assert await value.renewed(seen) is seen
    assert source.count == 2
    source.error = None
    clock.now += FAILED_PAUSE_SECONDS
    assert await value.renewed(seen) == [3]
    assert await value.renewed(seen) == [3]
    assert source.count == 3


async def test_nothing_is_in_force_for_ever(source: Source) -> None:
    clock = Clock()
    value = Refreshed(source, clock)
    await value.get()
    source.error = ProviderFailed("away")
    clock.now += STALE_SECONDS - 1
    assert await value.get() == [1]
    clock.now += 1
    with pytest.raises(ProviderFailed, match="away"):
        await value.get()

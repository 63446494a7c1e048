"""Who gets a turn when more is asked for than runs at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from tlog.errors import Overloaded, TooManyRequests
from tlog.service.few_at_once import FewAtOnce


class Bench:
    """Work that waits until the test lets it go on; `begun` is who began, in order."""

    def __init__(self, few: FewAtOnce) -> None:
        self.few = few
        self.begun: list[str] = []
        self._go: dict[str, threading.Event] = {}
        self._loop = asyncio.get_running_loop()

    async def ask(self, client: str, name: str) -> asyncio.Task[str]:
        """Ask for work of this name and return once it is in the queue, or runs."""
        self._go[name] = threading.Event()
        task = self._loop.create_task(self.few.run(client, self._work(name)))
        await asyncio.sleep(0)
        return task

    def end(self, *names: str) -> None:
        for name in names:
            self._go[name].set()

    def _work(self, name: str) -> Callable[[], str]:
        def work() -> str:
            self.begun.append(name)
            assert self._go[name].wait(20)
            return name

        return work


async def test_a_client_that_runs_nothing_is_next() -> None:
    bench = Bench(FewAtOnce(2, 10, 6, "look-ups"))
    tasks = [await bench.ask("a", f"a{number}") for number in range(6)]
    other = await bench.ask("b", "b0")
    bench.end("a0")
    bench.end("b0")
    assert await other == "b0"
    assert bench.begun[:3] == ["a0", "a1", "b0"]
    bench.end("a1", "a2", "a3", "a4", "a5")
    assert await asyncio.gather(*tasks) == [f"a{number}" for number in range(6)]
    assert bench.begun == ["a0", "a1", "b0", "a2", "a3", "a4", "a5"], "those of one client in their order"


async def test_what_is_over_a_clients_share_is_refused_and_others_are_let_in() -> None:
    bench = Bench(FewAtOnce(1, 1, 2, "look-ups"))
    tasks = [await bench.ask("a", "a0"), await bench.ask("a", "a1")]
    with pytest.raises(TooManyRequests, match="2 look-ups of this token are under way"):
        await (await bench.ask("a", "a2"))
    tasks += [await bench.ask("b", "b0"), await bench.ask("c", "c0")]
    with pytest.raises(Overloaded, match="4 look-ups are under way") as caught:
        await (await bench.ask("b", "b1"))
    assert not isinstance(caught.value, TooManyRequests)
    bench.end("a0", "a1", "b0", "c0")
    assert await asyncio.gather(*tasks) == ["a0", "a1", "b0", "c0"]
    task = await bench.ask("a", "a3")
    bench.end("a3")
    assert await task == "a3", "what is done counts no more"


async def test_a_caller_who_goes_away_keeps_the_place_until_the_work_ends() -> None:
    few = FewAtOnce(1, 5, 2, "look-ups")
    bench = Bench(few)
    gone = await bench.ask("a", "a0")
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    following = await bench.ask("b", "b0")
    bench.end("b0")
    await asyncio.sleep(0.05)
    assert bench.begun == ["a0"], "one at once, whoever listens"
    bench.end("a0")
    assert await following == "b0"


async def test_work_that_fails_gives_its_place_back() -> None:
    few = FewAtOnce(1, 0, 1, "look-ups")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await few.run("a", lambda: 1 // 0)

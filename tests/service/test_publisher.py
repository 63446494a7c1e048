"""Publication in front of real witnesses, and of one that lies."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.service.witnesses import RunningWitness, serve_liar
from tests.support import MadeLog, append_request, make_log, running_log
from tlog.errors import LogHalted, QuorumNotMet
from tlog.formats.note import parse_note
from tlog.formats.policy import WitnessLine
from tlog.formats.quorum import Group
from tlog.merkle.verify import verify_consistency
from tlog.service.settings import LogSettings

FAST = LogSettings(checkpoint_interval=0.02, quorum_timeout=1.0, sealing_processes=0)


class Town:
    """A log's folder and its witnesses."""

    def __init__(self, folder: Path, witnesses: list[RunningWitness], threshold: int) -> None:
        self.folder = folder
        self.witnesses = witnesses
        self.threshold = threshold

    def options(self, **more: Any) -> dict[str, Any]:
        groups = [witness.group() for witness in self.witnesses]
        quorum = Group(b"q", self.threshold, tuple(group.name for group in groups))
        lines = [line for witness in self.witnesses for line in witness.lines()]
        return {"settings": FAST, "witnesses": lines, "groups": [*groups, quorum], "quorum": b"q"} | more


@asynccontextmanager
async def town(tmp_path: Path, count: int = 3, threshold: int = 2, **log: Any) -> AsyncIterator[Town]:
    """Run witnesses of a log that is made with the options `log`, and not started."""
    made = make_log(tmp_path / "log", **log)
    vkeys = made.log.signer.vkeys
    made.close()
    witnesses = [RunningWitness(tmp_path / f"w{i}", f"w{i}.example", vkeys) for i in range(count)]
    for witness in witnesses:
        await witness.start()
    try:
        yield Town(tmp_path / "log", witnesses, threshold)
    finally:
        for witness in witnesses:
            if witness._server.started:
                await witness.stop()
            witness.close()


async def append(made: MadeLog, count: int) -> int:
    placements = await made.log.appender.append(append_request(count))
    return placements[-1].index + 1


async def test_what_is_published_meets_the_policy_and_extends_what_was(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made:
        for count in (1, 5, 300):
            size = await append(made, count)
            await asyncio.wait_for(made.log.wait("witnessed", size), 5)
        stored = made.log.store.checkpoints()
        assert [c.size for c in stored][:1] == [0]
        assert stored[-1].size == 306
        for old, new in pairwise(stored):
            made.log.policy.verify_checkpoint(new.note)
            proof = made.log.proofs.consistency(old.size, new.size)
            verify_consistency(old.size, new.size, proof, old.root, new.root)


async def test_a_witness_outside_the_quorum_is_asked_and_its_cosignature_is_kept(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made:
        size = await append(made, 1)
        await made.log.wait("witnessed", size)
        names: set[str] = set()
        for _ in range(200):
            last = made.log.store.last_witnessed()
            assert last is not None
            names = {signature.name for signature in parse_note(last.note).signatures}
            if len(names) == 4:
                break
            await asyncio.sleep(0.02)
        assert names == {"example.com/log", "w0.example", "w1.example", "w2.example"}
        served = made.log.publisher.published
        assert served is not None
        assert last is not None
        assert served.note == last.note


async def test_one_witness_may_be_down(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made:
        await place.witnesses[1].stop()
        size = await append(made, 3)
        await asyncio.wait_for(made.log.wait("witnessed", size), 10)


async def test_a_witness_that_was_away_is_brought_up_to_date_on_a_quiet_log(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, quorum_timeout=1.0, catch_up_interval=0.2, sealing_processes=0)
    async with town(tmp_path) as place:
        options = place.options(settings=settings)
        async with running_log(place.folder, **options) as made:
            away = place.witnesses[2]
            status = made.log.witnesses.status[away.url]
            await until(lambda: status.size == 0 and status.cosigned_at is not None)
            await away.stop()
            size = await append(made, 3)
            await asyncio.wait_for(made.log.wait("witnessed", size), 5)
            await away.start()
            await until(lambda: status.size == size)
            await until(lambda: b"w2.example" in made.log.publisher.published.note)  # type: ignore[union-attr]
            stored = made.log.store.last_witnessed()
            assert stored is not None
            assert {s.name for s in parse_note(stored.note).signatures} >= {"w0.example", "w1.example", "w2.example"}


async def test_without_a_quorum_nothing_new_is_served_and_then_it_goes_on(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made:
        for witness in place.witnesses[:2]:
            await witness.stop()
        size = await append(made, 3)
        await made.log.wait("integrated", size)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(made.log.wait("witnessed", size), 2)
        served = made.log.publisher.published
        assert served is not None
        assert served.size == 0
        assert "no quorum" in str(made.log.publisher.problem)
        for witness in place.witnesses[:2]:
            await witness.start()
        await asyncio.wait_for(made.log.wait("witnessed", size), 10)
        assert made.log.publisher.problem is None


async def test_fail_open_serves_what_no_quorum_has_seen(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, quorum_timeout=0.5, fail_open=True)
    async with town(tmp_path) as place:
        for witness in place.witnesses[:2]:
            await witness.stop()
            await witness.start()
        options = place.options(settings=settings)
        for witness in place.witnesses[:2]:
            await witness.stop()
        async with running_log(place.folder, **options) as made:
            size = await append(made, 3)
            for _ in range(200):
                served = made.log.publisher.published
                if served is not None and served.size == size:
                    break
                await asyncio.sleep(0.02)
            assert served is not None
            assert served.size == size
            with pytest.raises(QuorumNotMet):
                made.log.policy.verify_checkpoint(served.note)
            assert made.log.publisher.witnessed.size < size, "published is not witnessed"
            await place.witnesses[0].start()
            await asyncio.wait_for(made.log.wait("witnessed", size), 10)
            last = made.log.store.last_witnessed()
            assert last is not None
            made.log.policy.verify_checkpoint(last.note)


async def test_fail_open_never_records_a_quorum_that_was_not_met(tmp_path: Path) -> None:
    """One of the two that are needed cosigns, again and again: that is published, and not called witnessed."""
    settings = LogSettings(
        checkpoint_interval=0.02, quorum_timeout=0.3, catch_up_interval=0.05, fail_open=True, sealing_processes=0
    )
    async with town(tmp_path) as place:
        options = place.options(settings=settings)
        for witness in place.witnesses[:2]:
            await witness.stop()
        async with running_log(place.folder, **options) as made:
            size = await append(made, 3)
            await until(lambda: made.log.publisher.published is not None and made.log.publisher.published.size == size)
            await asyncio.sleep(2.5)
            assert made.log.store.last_witnessed() is None
            assert made.log.publisher.witnessed.size < 0
        async with running_log(place.folder, **options) as made:
            assert made.log.publisher.witnessed.size < 0, "a restart knows the difference, too"


async def test_a_checkpoint_without_a_quorum_is_shown_again_after_a_restart_not_signed_again(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        options = place.options()
        async with running_log(place.folder, **options) as made:
            for witness in place.witnesses:
                await witness.stop()
            size = await append(made, 3)
            for _ in range(200):
                signed = made.log.store.last_signed()
                if signed is not None and signed.size == size:
                    break
                await asyncio.sleep(0.02)
        for witness in place.witnesses:
            await witness.start()
        async with running_log(place.folder, **options) as made:
            await asyncio.wait_for(made.log.wait("witnessed", size), 10)
            after = made.log.store.last_witnessed()
            assert signed is not None
            assert after is not None
            assert (after.size, after.signed_at) == (signed.size, signed.signed_at)
            own = {"example.com/log"}
            before = [s for s in parse_note(signed.note).signatures if s.name in own]
            assert [s for s in parse_note(after.note).signatures if s.name in own] == before


async def test_yesterdays_database_stops_the_log_and_says_why(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        options = place.options()
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 10))
        shutil.copytree(place.folder, tmp_path / "yesterday")
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 10))
        shutil.rmtree(place.folder)
        shutil.copytree(tmp_path / "yesterday", place.folder)
        async with running_log(place.folder, **options) as made:
            assert made.log.publisher.halted
            assert "rolled back" in str(made.log.publisher.problem)
            assert "20 leaves" in str(made.log.publisher.problem)
            with pytest.raises(LogHalted, match="rolled back"):
                await append(made, 1)
            last = made.log.store.last_signed()
            assert last is not None
            assert last.size == 10


async def test_a_rolled_back_log_is_stopped_even_if_it_starts_while_the_witnesses_are_down(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        options = place.options()
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 10))
        shutil.copytree(place.folder, tmp_path / "yesterday")
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 10))
        shutil.rmtree(place.folder)
        shutil.copytree(tmp_path / "yesterday", place.folder)
        for witness in place.witnesses:
            await witness.stop()
        async with running_log(place.folder, **options) as made:
            size = await append(made, 3)  # Durable, but nothing is signed before the witnesses were asked.
            assert size == 13
            for witness in place.witnesses:
                await witness.start()
            await until(lambda: made.log.publisher.halted)
            assert [c.size for c in made.log.store.all_checkpoints()][-1] == 10


async def test_a_slow_witness_that_knows_more_halts_the_log_however_late(tmp_path: Path) -> None:
    """Quorum of one: the witness that lost its memory confirms yesterday's database, the others are slow."""
    async with town(tmp_path, threshold=1) as place:
        options = place.options()
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 10))
        shutil.copytree(place.folder, tmp_path / "yesterday")
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 10))
            status = made.log.witnesses.status
            await until(lambda: all(status[witness.url].size == 20 for witness in place.witnesses))
        forgetful = RunningWitness(tmp_path / "forgetful", "forgetful.example", make_vkeys(place))
        await forgetful.start()
        shutil.rmtree(place.folder)
        shutil.copytree(tmp_path / "yesterday", place.folder)

        released = asyncio.Event()

        async def slow(request: web.Request) -> web.Response:
            body = await request.read()
            if request.method == "POST":
                await released.wait()
            target = f"{place.witnesses[1].url}{request.path}"
            async with aiohttp.request(request.method, target, data=body) as answer:
                return web.Response(status=answer.status, body=await answer.read())

        proxy = await serve_liar(slow, slow)
        lines = [WitnessLine(w.name, w.vkey, str(proxy.make_url(""))) for w in place.witnesses[1].lines()]
        groups = [forgetful.group(), place.witnesses[1].group()]
        options = place.options(witnesses=[*forgetful.lines(), *lines])
        options["groups"] = [*groups, Group(b"q", 1, tuple(group.name for group in groups))]
        async with running_log(place.folder, **options) as made:
            assert made.log.publisher.problem is None, "the slow witness has not said anything yet"
            released.set()
            await until(lambda: made.log.publisher.halted)
            assert "20 leaves" in str(made.log.publisher.problem)
        await proxy.close()
        await forgetful.stop()
        forgetful.close()


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about")


async def test_a_database_from_before_the_first_checkpoint_is_not_built_upon(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        shutil.copytree(place.folder, tmp_path / "first")
        options = place.options()
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 10))
        shutil.rmtree(place.folder)
        shutil.copytree(tmp_path / "first", place.folder)
        for witness in place.witnesses:
            await witness.stop()
        async with running_log(place.folder, **options) as made:
            await append(made, 3)
            await asyncio.sleep(0.3)
            assert [c.size for c in made.log.store.all_checkpoints()] == [0], "signed on top of what nobody confirmed"
            for witness in place.witnesses:
                await witness.start()
            await until(lambda: made.log.publisher.halted)
            assert "10 leaves" in str(made.log.publisher.problem)


async def test_fail_open_still_asks_before_it_builds_upon_a_database(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, quorum_timeout=0.3, fail_open=True, sealing_processes=0)
    async with town(tmp_path) as place:
        options = place.options(settings=settings)
        for witness in place.witnesses:
            await witness.stop()
        async with running_log(place.folder, **options) as made:
            await append(made, 3)
            await asyncio.sleep(1)
            assert [c.size for c in made.log.store.all_checkpoints()] == [0]


async def test_a_witness_that_only_claims_a_larger_tree_stops_nothing(tmp_path: Path) -> None:
    """Anybody can say a number. Without our signature on it the liar is passed over, and named."""

    async def larger(_request: web.Request) -> web.Response:
        return web.Response(status=409, text="1000000\n", headers={"Content-Type": "text/x.tlog.size"})

    async with town(tmp_path, count=2) as place:
        liar = await serve_liar(larger)
        options = place.options()
        stranger = RunningWitness(tmp_path / "stranger", "liar.example", make_vkeys(place))
        vkey = stranger.identity.vkeys[0]
        stranger.close()
        options["witnesses"].append(WitnessLine(b"liar", vkey, str(liar.make_url(""))))
        async with running_log(place.folder, **options) as made:
            size = await append(made, 1)
            await asyncio.wait_for(made.log.wait("witnessed", size), 5)
            status = next(s for s in made.log.witnesses.status.values() if s.label == "liar.example")
            assert "claims a tree of 1000000 leaves" in str(status.refusal)
            assert not made.log.publisher.halted
        await liar.close()


@pytest.mark.parametrize("body", [b"", b"\xff", b"garbage\n", "— w0.example AAAAAAAA\n".encode(), b"x" * 300_000])
@pytest.mark.parametrize("status", [200, 400, 409, 500])
async def test_nonsense_from_a_witness_is_its_own_refusal(status: int, body: bytes, tmp_path: Path) -> None:
    async def nonsense(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    async with town(tmp_path, count=1, threshold=1) as place:
        liar = await serve_liar(nonsense)
        options = place.options()
        line = options["witnesses"][0]
        options["witnesses"] = [WitnessLine(w.name, w.vkey, str(liar.make_url(""))) for w in options["witnesses"]]
        async with running_log(place.folder, **options) as made:
            assert not made.log.publisher.halted
            assert "no quorum for size 0" in str(made.log.publisher.problem)
            assert made.log.publisher.published is None
            assert line.vkey.name in str(made.log.publisher.problem)
        await liar.close()


@pytest.mark.parametrize("target", ["http://a..b/", f"http://{'x' * 70}/", "http://127.0.0.1:1/", "/elsewhere"])
@pytest.mark.parametrize("status", [302, 307, 308])
async def test_a_redirect_from_a_witness_is_its_own_refusal_and_is_not_followed(
    status: int, target: str, tmp_path: Path
) -> None:
    asked: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": target})

    async with town(tmp_path, count=2, threshold=1) as place:
        liar = await serve_liar(redirect, redirect)
        options = place.options()
        mine, other = place.witnesses[0].lines(), place.witnesses[1].lines()
        options["witnesses"] = [*mine, *(WitnessLine(w.name, w.vkey, str(liar.make_url(""))) for w in other)]
        async with running_log(place.folder, **options) as made:
            for _ in range(3):
                size = await append(made, 1)
                await asyncio.wait_for(made.log.wait("witnessed", size), 5)
            assert str(status) in str(made.log.witnesses.status[str(liar.make_url(""))].refusal)
        assert set(asked) == {"/add-checkpoint"}
        await liar.close()


@pytest.mark.parametrize("more", [1, 5, 8])
async def test_two_copies_of_a_log_halt_the_one_that_the_witnesses_did_not_see(more: int, tmp_path: Path) -> None:
    """A copy of the folder goes on by itself: shorter, as long, or longer than the first, it signs a fork."""
    async with town(tmp_path) as place:
        options = place.options()
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 10))
        shutil.copytree(place.folder, tmp_path / "copy")
        async with running_log(tmp_path / "copy", **options) as fork:
            async with running_log(place.folder, **options) as made:
                await made.log.wait("witnessed", await append(made, 5))
            await append(fork, more)
            await until(lambda: fork.log.publisher.halted)
            assert "that this log signed" in str(fork.log.publisher.problem)
            with pytest.raises(LogHalted):
                await append(fork, 1)


async def test_a_proof_that_cannot_be_made_for_one_witness_stops_nobody_else(tmp_path: Path) -> None:
    async with town(tmp_path) as place:
        options = place.options()
        async with running_log(place.folder, **options) as made:
            await made.log.wait("witnessed", await append(made, 300))
            await place.witnesses[2].stop()
            await made.log.wait("witnessed", await append(made, 300))
            (place.folder / "tiles/tile/0/001").unlink()
            made.log._nodes._pyramids.clear()
            await place.witnesses[2].start()
            size = await append(made, 300)
            await asyncio.wait_for(made.log.wait("witnessed", size), 5)
            assert not made.log.publisher.halted


async def test_a_clock_before_1970_is_waited_for(tmp_path: Path) -> None:
    clock = [-5_000_000]
    async with running_log(tmp_path, now=lambda: clock[0]) as made:
        assert "before 1970" in str(made.log.publisher.problem)
        clock[0] = 1_795_000_000_000_000
        size = await append(made, 1)
        await asyncio.wait_for(made.log.wait("witnessed", size), 5)
        assert made.log.publisher.problem is None


async def test_cosignatures_of_another_checkpoint_are_refused(tmp_path: Path) -> None:
    """A witness (or whoever sits before it) replays an old answer."""
    async with town(tmp_path, count=1, threshold=1) as place:
        recorded: list[bytes] = []

        async def replay(request: web.Request) -> web.Response:
            body = await request.read()
            if not recorded:
                async with made_session.post(f"{place.witnesses[0].url}/add-checkpoint", data=body) as answer:
                    recorded.append(await answer.read())
            return web.Response(body=recorded[0])

        async with aiohttp.ClientSession() as made_session:
            liar = await serve_liar(replay)
            options = place.options()
            options["witnesses"] = [WitnessLine(w.name, w.vkey, str(liar.make_url(""))) for w in options["witnesses"]]
            async with running_log(place.folder, **options) as made:
                size = await append(made, 1)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(made.log.wait("witnessed", size), 2)
                served = made.log.publisher.published
                assert served is not None
                assert served.size == 0
                assert "does not verify" in str(made.log.publisher.problem)
            await liar.close()


def make_vkeys(place: Town) -> Any:
    made = make_log(place.folder)
    vkeys = made.log.signer.vkeys
    made.close()
    return vkeys


async def test_an_unexpected_failure_halts_instead_of_ending_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_log(tmp_path) as made:

        def breaks(_size: int) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(made.log.publisher._integrator, "collect", breaks)
        await append(made, 1)
        await until(lambda: made.log.publisher.halted)
        assert "unexpectedly (ZeroDivisionError)" in str(made.log.publisher.problem)
        with pytest.raises(LogHalted):
            await append(made, 1)

"""What witnesses show of themselves, from real ones and from one that lies."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from tests.service.test_publisher import append, town
from tests.service.witnesses import serve_liar
from tests.support import running_log
from tlog.errors import NoTrustedSignature
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.policy import WitnessLine
from tlog.service.witness_heads import WitnessHead, compare, open_head


@pytest.mark.parametrize(
    ("size", "root", "ours", "said"),
    [
        (7, b"a", b"a", "same"),
        (5, b"a", b"a", "behind"),
        (7, b"b", b"a", "differs"),
        (5, b"b", b"a", "differs"),
        (8, b"a", None, "ahead"),
    ],
)
def test_a_head_is_compared_at_its_own_size(size: int, root: bytes, ours: bytes | None, said: str) -> None:
    head = Checkpoint("example.com/log", size, root * 32)
    assert compare(head, None if ours is None else ours * 32, 7) == said


async def test_real_witnesses_agree(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made:
        await made.log.wait("witnessed", await append(made, 5))
        heads = await made.log.heads.newest(5)
        assert [head.label for head in heads] == ["w0.example", "w1.example", "w2.example"]
        assert {head.agreement for head in heads} <= {"same", "behind"}
        assert sum(head.size == 5 for head in heads) >= 2
        assert all(head.cosigned_at for head in heads)


async def test_a_witness_that_is_away_is_silent_and_holds_nobody_up(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made:
        await place.witnesses[2].stop()
        heads = await made.log.heads.newest(5)
        assert heads[2].agreement == "silent"
        assert heads[2].reason
        assert heads[0].agreement == "same"


async def test_a_head_that_the_witness_did_not_cosign_does_not_count(tmp_path: Path) -> None:
    async def never(_: web.Request) -> web.Response:
        return web.Response(status=500)

    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made:
        await made.log.wait("witnessed", await append(made, 5))
        assert made.log.publisher.signed is not None
        unsigned = made.log.publisher.signed.note

        async def held(_: web.Request) -> web.Response:
            return web.Response(body=unsigned)

        liar = await serve_liar(never, held)
        try:
            lines = [WitnessLine(b"liar", place.witnesses[0].identity.vkeys[0])]
            with pytest.raises(NoTrustedSignature):
                open_head(unsigned, "example.com/log", lines)
            heads = await _heads_of(made, str(liar.make_url("")).rstrip("/"))
        finally:
            await liar.close()
        assert heads.agreement == "silent"
        assert "does not verify" in str(heads.reason)


async def _heads_of(made: object, url: str) -> WitnessHead:
    """Ask the first witness of a running log at another address."""
    heads = made.log.heads  # type: ignore[attr-defined]
    heads._feeders[0].url = url
    return (await heads.newest(5))[0]  # type: ignore[no-any-return]


async def test_they_are_asked_once_for_everybody_who_looks(tmp_path: Path) -> None:
    async with town(tmp_path) as place, running_log(place.folder, **place.options()) as made:
        first, second = await asyncio.gather(made.log.heads.newest(5), made.log.heads.newest(5))
        assert first == second
        await place.witnesses[1].stop()
        assert await made.log.heads.newest(5) == first, "fresh enough"

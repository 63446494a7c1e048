"""Evidence compared with the tiles that its log serves: what is wrong is named, whatever it is."""

from __future__ import annotations

import hashlib
from base64 import b64encode as base64_text
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from playwright.async_api import Page

from tests.client.material import policy as policy_of
from tests.merkle import oracle
from tests.web.material import case, leaf, note
from tests.web.verdicts import browser_page
from tlog.audit.evidence import Evidence
from tlog.formats.encoding import b64encode
from tlog.formats.policy import encode_policy
from tlog.formats.tile import tiles_of
from tlog.merkle.hashing import perfect_root

POLICY = encode_policy(policy_of())
TIMES = {0: 10, 1: 11}
Tiles = dict[str, bytes]


class Served(NamedTuple):
    """Evidence of an entry, and what its log serves."""

    evidence: Evidence
    tiles: Tiles


def served(index: int, then: int, now: int) -> Served:
    """Evidence of the entry `index` under a checkpoint of `then` leaves, and the tiles of `now` leaves."""
    good = case().entries[0]
    hashes = leaf_hashes(now, index, leaf(good.disclosures))
    entry = msgspec.structs.replace(
        good, index=index, size=then, after=None, inclusion=[b64encode(h) for h in oracle.path(index, hashes[:then])]
    )
    evidence = msgspec.structs.replace(
        case(), entries=[entry], checkpoints=[note(hashes[:then], TIMES)], consistency=[]
    )
    return Served(evidence, tiles_over(hashes) | {"checkpoint": note(hashes, TIMES).encode()})


def leaf_hashes(count: int, index: int, own: bytes) -> list[bytes]:
    found = [hashlib.sha256(b"%d" % i).digest() for i in range(count)]
    found[index] = hashlib.sha256(b"\0" + own).digest()
    return found


def tiles_over(hashes: list[bytes]) -> Tiles:
    levels = [hashes]
    while len(levels[-1]) >= 256:
        row = levels[-1]
        levels.append([perfect_root(b"".join(row[i : i + 256])) for i in range(0, len(row) // 256 * 256, 256)])
    return {
        ref.path(): b"".join(levels[ref.level or 0][ref.index * 256 : ref.index * 256 + ref.width])
        for ref in tiles_of(len(hashes))
    }


async def ask(page: Page, evidence: Evidence, tiles: Mapping[str, bytes]) -> dict[str, Any]:
    encoded = {path: base64_text(data).decode() for path, data in tiles.items()}
    data, policy = base64_text(evidence.encode()).decode(), base64_text(POLICY).decode()
    found: dict[str, Any] = await page.evaluate("a => failureWithTiles(...a)", [data, policy, encoded])
    return found


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


SIZES = [
    (0, 1, 1),
    (0, 1, 2),
    (2, 3, 7),
    (5, 7, 256),
    (255, 256, 256),
    (256, 257, 300),
    (0, 256, 513),
    (700, 701, 1300),
]


async def test_what_a_log_serves_agrees_with_its_evidence(tmp_path: Path) -> None:
    async with browser_page(tmp_path) as page:
        for index, then, now in SIZES:
            found = await ask(page, *served(index, then, now))
            assert found["title"] == "", (index, then, now, found)
            assert found["asked"][0] == "checkpoint"
            assert len(found["asked"]) == len(set(found["asked"])) <= 6, "each tile once, and few"


async def test_a_full_tile_serves_where_a_partial_one_is_gone(tmp_path: Path) -> None:
    made = served(3, 5, 300)
    older = {path: data for path, data in made.tiles.items() if path != "checkpoint"}
    small = note(leaf_hashes(300, 3, leaf(made.evidence.entries[0].disclosures))[:5], TIMES)
    async with browser_page(tmp_path) as page:
        found = await ask(page, made.evidence, older | {"checkpoint": small.encode()})
        assert found["title"] == ""
        assert found["asked"] == ["checkpoint", "tile/0/000.p/5", "tile/0/000"]


@pytest.mark.parametrize(("index", "then", "now"), [(2, 3, 7), (5, 7, 300), (256, 257, 300), (700, 701, 1300)])
async def test_a_changed_tile_is_named(tmp_path: Path, index: int, then: int, now: int) -> None:
    """Each tile that is asked for, with a bit changed in its first, a middle and its last hash."""
    made = served(index, then, now)
    async with browser_page(tmp_path) as page:
        asked = (await ask(page, *made))["asked"][1:]
        assert asked
        for path in asked:
            tile = made.tiles[path]
            for at in (0, len(tile) // 64 * 32, len(tile) - 1):
                found = await ask(page, made.evidence, made.tiles | {path: flipped(tile, at)})
                assert found["check"] == "tile", (path, found)
                assert path in found["reason"], (path, found)
                assert found["skipped"] >= 1
            for wrong in (tile[:-1], tile + bytes(32), b""):
                found = await ask(page, made.evidence, made.tiles | {path: wrong})
                assert (found["check"], found["reason"].split(":")[0]) == ("tile", path)
            found = await ask(page, made.evidence, {p: data for p, data in made.tiles.items() if p != path})
            assert found["reason"] == f"{path}: the log does not have it"


async def test_exactly_the_wrong_tile_is_named_where_the_evidence_tells_it(tmp_path: Path) -> None:
    """1300 leaves have a right edge of two tiles; the evidence's own path tells which of them it was."""
    made = served(1299, 1300, 1300)
    async with browser_page(tmp_path) as page:
        for path, other in (("tile/0/005.p/20", "tile/1/000.p/5"), ("tile/1/000.p/5", "tile/0/005.p/20")):
            found = await ask(page, made.evidence, made.tiles | {path: flipped(made.tiles[path], 1)})
            assert path in found["reason"]
            assert other not in found["reason"]


async def test_another_history_a_smaller_tree_and_another_log_are_named(tmp_path: Path) -> None:
    made = served(5, 7, 300)
    own = leaf(made.evidence.entries[0].disclosures)
    rewritten = leaf_hashes(300, 5, own)
    rewritten[1] = bytes(32)
    without = leaf_hashes(300, 9, own)
    async with browser_page(tmp_path) as page:
        found = await ask(page, made.evidence, tiles_over(rewritten) | {"checkpoint": note(rewritten, TIMES).encode()})
        assert (found["check"], found["title"]) == ("consistency", "consistency, entry 5 in the tiles")
        found = await ask(page, made.evidence, tiles_over(without) | {"checkpoint": note(without, TIMES).encode()})
        assert (found["check"], found["reason"]) == ("inclusion", "the tiles hold another leaf at index 5")
        smaller = leaf_hashes(300, 5, own)[:6]
        found = await ask(page, made.evidence, tiles_over(smaller) | {"checkpoint": note(smaller, TIMES).encode()})
        assert (found["check"], found["reason"]) == (
            "consistency",
            "the log shows 6 leaves, fewer than the 7 in the evidence",
        )
        unsigned = note(rewritten, {0: 1}).encode()
        found = await ask(page, made.evidence, made.tiles | {"checkpoint": unsigned})
        assert found["check"] == "witness quorum"
        assert "the checkpoint that the log serves" in found["title"]
        found = await ask(page, made.evidence, {})
        assert found["reason"] == "the log has no checkpoint"


async def test_a_log_that_cannot_be_reached_is_said_to_be_that(tmp_path: Path) -> None:
    made = served(5, 7, 300)
    evidence, policy = base64_text(made.evidence.encode()).decode(), base64_text(POLICY).decode()
    tiles = {path: base64_text(data).decode() for path, data in made.tiles.items()}
    async with browser_page(tmp_path) as page:
        for path in ("checkpoint", "tile/1/000.p/1"):
            asked = [evidence, policy, tiles | {path: "out of reach"}]
            found = await page.evaluate("a => failureWithTiles(...a)", asked)
            assert (found["check"], found["reason"]) == ("fetch", f"{path} could not be fetched: out of reach")

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.merkle import oracle
from tests.merkle.tiles import LARGE, Tiles, build, large
from tlog.errors import NotFound, TileInvalid
from tlog.formats.tile import tiles_of
from tlog.merkle.builder import TileData, TreeBuilder
from tlog.merkle.hashing import perfect_root


def names(tiles: Tiles) -> list[tuple[int, int, int]]:
    return sorted(tiles.stored)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 700, 70_000, LARGE])
def test_the_tiles_are_those_of_the_specification(size: int) -> None:
    tiles, builder = build(large()[1][:size])
    want = [(ref.level, ref.index, ref.width) for ref in tiles_of(size) if ref.level is not None]
    assert names(tiles) == sorted(want)
    assert builder.size == size
    assert builder.root() == oracle.mth(large()[1][:size])


def test_each_hash_is_the_root_of_the_leaves_below() -> None:
    tiles, d = large()
    for (level, index, width), data in tiles.stored.items():
        assert len(data) == 32 * width
        span = 256**level
        for i in (0, width - 1):
            start = (index * 256 + i) * span
            assert data[32 * i : 32 * i + 32] == perfect_root(b"".join(d[start : start + span]))


def test_roots_of_all_small_sizes() -> None:
    d = oracle.leaves(600)
    builder = TreeBuilder()
    for size, leaf in enumerate(d):
        assert builder.root() == oracle.mth(d[:size])
        builder.extend([leaf])


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, LARGE), max_size=6))
def test_batches_do_not_matter(cuts: list[int]) -> None:
    want, d = large()
    tiles, builder = Tiles(), TreeBuilder()
    for start, end in pairwise([0, *sorted(cuts), LARGE]):
        tiles.put(builder.extend(d[start:end]))
    tiles.put(builder.partial_tiles())
    assert tiles.stored == want.stored


def test_full_tiles_come_lowest_level_first_and_in_order() -> None:
    order = [(tile.level, tile.index) for tile in TreeBuilder().extend(large()[1])]
    assert order == sorted(order)
    assert order[-2:] == [(1, 0), (1, 1)]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, LARGE) | st.sampled_from([255, 256, 257, 65535, 65536, 65537, LARGE]), st.integers(0, 600))
def test_a_stop_at_any_size_loads_the_same_tree(size: int, more: int) -> None:
    _, d = large()
    stored, unstopped = build(d[:size])
    loaded = TreeBuilder.load(stored, size)
    assert loaded.partial_tiles() == unstopped.partial_tiles()
    assert loaded.extend(d[size : size + more]) == unstopped.extend(d[size : size + more])
    assert loaded.root() == unstopped.root() == oracle.mth(d[: size + more])


def test_every_small_stop() -> None:
    _, d = large()
    for size in range(600):
        stored, unstopped = build(d[:size])
        assert TreeBuilder.load(stored, size).root() == unstopped.root()


def test_a_stop_after_tiles_of_a_larger_size_were_written() -> None:
    _, d = large()
    tiles, builder = build(d[:300])
    tiles.put(builder.extend(d[300:70_000]))
    del tiles.stored[0, 1, 44], tiles.stored[1, 0, 1]
    assert TreeBuilder.load(tiles, 300).root() == oracle.mth(d[:300])


def test_what_is_not_an_edge() -> None:
    hash_ = oracle.leaves(1)[0]
    for size, edge in (
        (1, []),
        (1, [b""]),
        (2, [hash_]),
        (0, [hash_]),
        (256, [b"", b""]),
        (1, [hash_[:-1]]),
        (-1, []),
    ):
        with pytest.raises(TileInvalid):
            TreeBuilder(size, edge)
    with pytest.raises(NotFound):
        TreeBuilder.load(Tiles(), 5)


def test_empty_rows_above_the_edge_are_allowed() -> None:
    hash_ = oracle.leaves(1)[0]
    builder = TreeBuilder(1, [hash_, b"", b""])
    assert builder.partial_tiles() == [TileData(0, 0, hash_)]
    assert builder.partial_tiles()[0].width == 1
    builder.extend(oracle.leaves(256)[1:])
    assert builder.root() == oracle.mth(oracle.leaves(256))


@pytest.mark.parametrize("bad", [[b""], [b"x" * 31, b"x" * 33], [b"x" * 64]])
def test_a_leaf_hash_of_another_length_changes_nothing(bad: list[bytes]) -> None:
    _, builder = build(oracle.leaves(10))
    before = builder.root()
    with pytest.raises(ValueError, match="32 bytes"):
        builder.extend([oracle.leaves(1)[0], *bad])
    assert (builder.size, builder.root()) == (10, before)

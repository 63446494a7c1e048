from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from tests.merkle import oracle
from tests.merkle.tiles import LARGE, Tiles, build, large
from tlog.errors import NotFound, OutOfRange, TileInvalid
from tlog.merkle.hashing import EMPTY_ROOT, leaf_hash
from tlog.merkle.nodes import TileNodes
from tlog.merkle.prove import inclusion_proof
from tlog.merkle.tree import TileTree


def test_every_root_of_a_small_tree() -> None:
    d = oracle.leaves(70)
    tree = TileTree(build(d)[0], 70)
    assert [tree.root(size) for size in range(71)] == [oracle.mth(d[:size]) for size in range(71)]
    assert tree.root() == oracle.mth(d)
    assert TileTree(Tiles(), 0).root() == EMPTY_ROOT


def test_every_subtree_and_no_other_range() -> None:
    d = oracle.leaves(40)
    tree = TileTree(build(d)[0], 40)
    for start in range(41):
        for end in range(start, 41):
            width = 1
            while width < end - start:
                width *= 2
            if start == end or start % width == 0:
                assert tree.range_root(start, end) == oracle.mth(d[start:end])
            else:
                with pytest.raises(OutOfRange, match="not a subtree"):
                    tree.range_root(start, end)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 1), (0, 6), (6, 6)])
def test_ranges_outside_the_tree(start: int, end: int) -> None:
    with pytest.raises(OutOfRange):
        TileTree(build(oracle.leaves(5))[0], 5).range_root(start, end)


def test_negative_size() -> None:
    with pytest.raises(OutOfRange):
        TileTree(Tiles(), -1)


@pytest.mark.parametrize("optimized", [True, False], ids=["optimized", "naive"])
def test_the_same_tree_as_pymerkle_in_memory(optimized: bool) -> None:
    entries = [b"entry %d" % i for i in range(300)]
    peer = InmemoryTree(disable_optimizations=not optimized)
    peer.append_entries(entries)
    tree = TileTree(build([leaf_hash(entry) for entry in entries])[0], 300)
    for size in (1, 2, 3, 128, 255, 256, 257, 300):
        assert tree.root(size) == peer.get_root(size)
        assert tree.prove_inclusion(size, size).path == peer.prove_inclusion(size, size).path


@settings(deadline=None, max_examples=30)
@given(st.integers(0, LARGE) | st.sampled_from([255, 256, 257, 65535, 65536, 65537, 131072, LARGE]))
def test_roots_of_older_sizes_come_from_the_newest_tiles(size: int) -> None:
    tiles, d = large()
    assert TileTree(tiles, LARGE).root(size) == oracle.mth(d[:size])


def test_leaves_as_pymerkle_asks_for_them() -> None:
    d = oracle.leaves(300)
    tree = TileTree(build(d)[0], 300)
    assert tree.get_leaf(257) == d[256]
    assert tree._get_leaves(250, 10) == d[250:260]


def test_a_tree_is_read_only() -> None:
    tree = TileTree(Tiles(), 0)
    with pytest.raises(TypeError, match="TreeBuilder"):
        tree.append_entry(b"x")
    with pytest.raises(TypeError, match="TreeBuilder"):
        tree._store_leaf(b"x", b"y")


def test_a_short_or_ragged_tile_is_refused() -> None:
    tiles, _ = build(oracle.leaves(300))
    for cut in (32, 1):
        broken = Tiles()
        broken.stored = {name: data[:-cut] for name, data in tiles.stored.items()}
        with pytest.raises(TileInvalid):
            TileTree(broken, 300).root()
    with pytest.raises(NotFound):
        TileTree(Tiles(), 300).root()


def test_pymerkle_keeps_no_cache() -> None:
    tiles, _ = large()
    tree = TileTree(tiles, LARGE)
    inclusion_proof(tree, 12345, LARGE)
    info = tree.get_cache_info()
    assert (info.size, info.capacity) == (0, 0)


def test_shared_nodes_read_a_tile_once_and_stay_bounded() -> None:
    tiles, d = large()
    tiles.reads.clear()
    nodes = TileNodes(tiles, capacity=8)
    for _ in range(5):
        assert TileTree(nodes, LARGE).root() == oracle.mth(d)
    assert len(tiles.reads) == 3  # the three partial tiles of the right edge
    for index in range(0, 65536, 256):
        inclusion_proof(TileTree(nodes, LARGE), index, LARGE)
    assert len(nodes._pyramids) == 8


def test_shared_nodes_serve_a_growing_tree() -> None:
    d = oracle.leaves(700)
    nodes = TileNodes(source := Tiles())
    for size in (3, 200, 256, 300, 511, 512, 700):
        source.stored |= build(d[:size])[0].stored
        assert TileTree(nodes, size).root() == oracle.mth(d[:size])
        assert TileTree(nodes, 3).root() == oracle.mth(d[:3])
    assert nodes.tile(0, 0, 256) == b"".join(d[:256])


def test_threads_share_one_cache() -> None:
    tiles, d = large()
    nodes = TileNodes(tiles, capacity=4)  # so small that threads evict what others read

    def prove(seed: int) -> bool:
        random = Random(seed)
        sizes = [random.randrange(1, 2000) for _ in range(50)]
        return all(TileTree(nodes, LARGE).root(size) == oracle.mth(d[:size]) for size in sizes)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(prove, range(16)))

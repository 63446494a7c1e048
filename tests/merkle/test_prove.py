"""Proofs are the oracle's, hash for hash; and their cost grows with log n."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.merkle import oracle
from tests.merkle.tiles import LARGE, Tiles, build, large
from tlog.errors import OutOfRange
from tlog.merkle.hashing import perfect_root
from tlog.merkle.prove import consistency_proof, inclusion_proof
from tlog.merkle.tree import TileTree
from tlog.merkle.verify import verify_consistency, verify_inclusion

SMALL = 70
BOUNDARIES = [1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 65792, 131071, 131072, 131073, LARGE]
sizes = st.integers(1, LARGE) | st.sampled_from(BOUNDARIES)


def test_every_inclusion_proof_of_small_trees() -> None:
    d = oracle.leaves(SMALL)
    tree = TileTree(build(d)[0], SMALL)
    for size in range(1, SMALL + 1):
        root = oracle.mth(d[:size])
        for index in range(size):
            proof = inclusion_proof(tree, index, size)
            assert proof == oracle.path(index, d[:size])
            verify_inclusion(d[index], index, size, proof, root)


def test_every_consistency_proof_of_small_trees() -> None:
    d = oracle.leaves(SMALL)
    tree = TileTree(build(d)[0], SMALL)
    roots = [oracle.mth(d[:size]) for size in range(SMALL + 1)]
    for new in range(SMALL + 1):
        assert consistency_proof(tree, 0, new) == consistency_proof(tree, new, new) == []
        verify_consistency(0, new, [], roots[0], roots[new])
        verify_consistency(new, new, [], roots[new], roots[new])
        for old in range(1, new):
            proof = consistency_proof(tree, old, new)
            assert proof == oracle.proof(old, d[:new])
            verify_consistency(old, new, proof, roots[old], roots[new])


@settings(deadline=None, max_examples=25)
@given(st.data(), sizes)
def test_inclusion_in_larger_trees(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1) | st.sampled_from([0, size - 1]))
    tiles, d = large()
    proof = inclusion_proof(TileTree(tiles, LARGE), index, size)
    assert proof == oracle.path(index, d[:size])
    verify_inclusion(d[index], index, size, proof, oracle.mth(d[:size]))


@settings(deadline=None, max_examples=25)
@given(sizes, sizes)
def test_consistency_of_larger_trees(a: int, b: int) -> None:
    old, new = sorted((a, b))
    tiles, d = large()
    proof = consistency_proof(TileTree(tiles, LARGE), old, new)
    assert proof == oracle.proof(old, d[:new])
    verify_consistency(old, new, proof, oracle.mth(d[:old]), oracle.mth(d[:new]))


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, 6), (0, -1)])
def test_inclusion_out_of_range(index: int, size: int) -> None:
    with pytest.raises(OutOfRange):
        inclusion_proof(TileTree(build(oracle.leaves(5))[0], 5), index, size)


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (4, 3), (0, 6), (6, 6)])
def test_consistency_out_of_range(old: int, new: int) -> None:
    with pytest.raises(OutOfRange):
        consistency_proof(TileTree(build(oracle.leaves(5))[0], 5), old, new)


class UniformTiles(Tiles):
    """The tiles of a tree of any size whose leaf hashes are all the same, so that none needs storing."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self._hashes = [oracle.leaves(1)[0]]
        for _ in range(levels):
            self._hashes.append(perfect_root(self._hashes[-1] * 256))

    def tile(self, level: int, index: int, width: int) -> bytes:
        self.reads.append((level, index, width))
        return self._hashes[level] * width


def inclusion(tree: TileTree, at: int) -> None:
    inclusion_proof(tree, at, tree.size)


def consistency(tree: TileTree, at: int) -> None:
    consistency_proof(tree, at, tree.size)


@pytest.mark.parametrize("prove", [inclusion, consistency])
@pytest.mark.parametrize("exponent", [8, 16, 24, 32, 40, 48, 56])
def test_a_proof_reads_two_tiles_a_level(exponent: int, prove: Callable[[TileTree, int], None]) -> None:
    size = (1 << exponent) + (1 << exponent) // 3
    levels = size.bit_length() // 8 + 1
    for at in (1, size // 2, size // 3 * 2 + 1, size - 1):
        prove(TileTree(tiles := UniformTiles(levels), size), at)
        # One tile a level on the way up from the leaf and one on the right edge, each read once.
        assert 1 <= len(tiles.reads) == len(set(tiles.reads)) <= 2 * levels


def test_an_inclusion_proof_in_a_tree_of_2_to_the_62() -> None:
    size = (1 << 62) + 12345
    tree = TileTree(UniformTiles(8), size)
    proof = inclusion_proof(tree, size // 3, size)
    assert len(proof) == 63
    verify_inclusion(oracle.leaves(1)[0], size // 3, size, proof, tree.root())

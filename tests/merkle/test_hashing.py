from __future__ import annotations

import pytest

from tests.merkle import oracle
from tlog.merkle.hashing import EMPTY_ROOT, leaf_hash, node_hash, parents, perfect_root, pyramid


def test_known_hashes() -> None:
    # The empty string's SHA-256, and the leaf hash of the empty leaf as in the CT reference tree.
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"\x00").hex() == "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
    want = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    assert node_hash(leaf_hash(b""), leaf_hash(b"\x00")).hex() == want


def test_a_node_is_not_a_leaf() -> None:
    left, right = oracle.leaves(2)
    assert node_hash(left, right) != leaf_hash(left + right)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 255])
def test_parents_pair_from_the_left(count: int) -> None:
    d = oracle.leaves(count)
    assert parents(b"".join(d)) == b"".join(oracle.mth(d[i : i + 2]) for i in range(0, count - 1, 2))


@pytest.mark.parametrize("height", range(9))
def test_perfect_root_is_the_top_of_the_pyramid(height: int) -> None:
    d = oracle.leaves(1 << height)
    rows = pyramid(b"".join(d))
    assert len(rows) == height + 1
    assert rows[-1] == perfect_root(b"".join(d)) == oracle.mth(d)

from __future__ import annotations

import pytest

from tests.merkle import oracle
from tests.merkle.test_verify import OTHER, ROOTS, D, mangled
from tlog.errors import ConsistencyInvalid, InclusionInvalid
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.merkle.verify_subtree import Subtree, verify_subtree_consistency, verify_subtree_inclusion


def subtrees(size: int) -> list[Subtree]:
    """Every non-empty subtree of a tree, found by the definition."""
    return [
        Subtree(start, end)
        for start in range(size)
        for end in range(start + 1, size + 1)
        if any(start % width == 0 and end - start <= width for width in (1, 2, 4, 8, 16, 32, 64))
        and start % next(width for width in (1, 2, 4, 8, 16, 32, 64) if width >= end - start) == 0
    ]


def test_every_subtree_of_small_trees() -> None:
    for size in range(1, len(D) + 1):
        for subtree in subtrees(size):
            leaves = D[subtree.start : subtree.end]
            proof = oracle.subtree_proof(subtree.start, subtree.end, D[:size])
            verify_subtree_consistency(subtree, size, proof, oracle.mth(leaves), ROOTS[size])
            for i, leaf in enumerate(leaves):
                path = oracle.path(i, leaves)
                verify_subtree_inclusion(leaf, subtree.start + i, subtree, path, oracle.mth(leaves))


@pytest.mark.parametrize("size", [5, 8, 13])
def test_mangled_subtree_proofs(size: int) -> None:
    for subtree in subtrees(size):
        root = oracle.mth(D[subtree.start : subtree.end])
        for bad in mangled(oracle.subtree_proof(subtree.start, subtree.end, D[:size])):
            with pytest.raises(ConsistencyInvalid):
                verify_subtree_consistency(subtree, size, bad, root, ROOTS[size])


def test_only_its_own_roots_and_leaves() -> None:
    subtree = Subtree(4, 7)
    root, proof = oracle.mth(D[4:7]), oracle.subtree_proof(4, 7, D[:13])
    for subtree_root, tree_root in ((OTHER, ROOTS[13]), (root, OTHER), (b"", ROOTS[13]), (root, b"")):
        with pytest.raises(ConsistencyInvalid):
            verify_subtree_consistency(subtree, 13, proof, subtree_root, tree_root)
    for index in (-1, 3, 5, 7):
        with pytest.raises(InclusionInvalid):
            verify_subtree_inclusion(D[4], index, subtree, oracle.path(0, D[4:7]), root)


def test_a_proof_that_stops_below_the_root_is_refused() -> None:
    with pytest.raises(ConsistencyInvalid, match="too short"):
        verify_subtree_consistency(Subtree(0, 2), 4, [], ROOTS[2], ROOTS[2])


def test_a_byte_moved_from_the_subtree_root_to_the_proof_is_refused() -> None:
    [right] = oracle.subtree_proof(0, 2, D[:4])
    with pytest.raises(ConsistencyInvalid, match="32 bytes"):
        verify_subtree_consistency(Subtree(0, 2), 4, [ROOTS[2][-1:] + right], ROOTS[2][:-1], ROOTS[4])


@pytest.mark.parametrize("subtree", [Subtree(1, 3), Subtree(2, 5), Subtree(3, 2), Subtree(-4, -2), Subtree(-1, -1)])
def test_ranges_that_are_no_subtrees(subtree: Subtree) -> None:
    with pytest.raises(ConsistencyInvalid, match="not a subtree"):
        verify_subtree_consistency(subtree, 8, [], ROOTS[2], ROOTS[8])
    with pytest.raises(InclusionInvalid, match="not a subtree"):
        verify_subtree_inclusion(D[2], 2, subtree, [], ROOTS[2])


def test_an_empty_subtree() -> None:
    verify_subtree_consistency(Subtree(3, 3), 8, [], EMPTY_ROOT, ROOTS[8])
    for proof, root in (([OTHER], EMPTY_ROOT), ([], OTHER)):
        with pytest.raises(ConsistencyInvalid, match="empty"):
            verify_subtree_consistency(Subtree(3, 3), 8, proof, root, ROOTS[8])
    with pytest.raises(ConsistencyInvalid):
        verify_subtree_consistency(Subtree(9, 9), 8, [], EMPTY_ROOT, ROOTS[8])

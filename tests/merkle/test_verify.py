"""Mangled proofs: whatever is changed, the verifier refuses, with its own error and no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.merkle import oracle
from tlog.errors import ConsistencyInvalid, InclusionInvalid
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.merkle.verify import verify_consistency, verify_inclusion

D = oracle.leaves(33)
ROOTS = [oracle.mth(D[:size]) for size in range(len(D) + 1)]
OTHER = oracle.leaves(1, "other ")[0]


def flips(value: bytes) -> Iterator[bytes]:
    for bit in range(8 * len(value)):
        yield (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")


def mangled(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Yield the proof with each hash removed, repeated, swapped with each other, cut, grown and replaced."""
    for i, value in enumerate(proof):
        head, tail = proof[:i], proof[i + 1 :]
        yield [*head, *tail]
        yield [*head, value, value, *tail]
        yield from ([*head, wrong, *tail] for wrong in (b"", value[:-1], value + b"\x00", OTHER))
        for after in tail[:1]:  # a byte moved from a hash to its neighbour leaves what is hashed the same
            yield [*head, after[-1:] + value, after[:-1], *tail[1:]]
            yield [*head, value[:-1], value[-1:] + after, *tail[1:]]
        for j in range(i + 1, len(proof)):
            swapped = proof.copy()
            swapped[i], swapped[j] = swapped[j], swapped[i]
            yield swapped
    for i in range(len(proof) + 1):
        yield from ([*proof[:i], extra, *proof[i:]] for extra in (OTHER, b"", EMPTY_ROOT, ROOTS[-1]))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 32, 33])
def test_mangled_inclusion(size: int) -> None:
    for index in range(size):
        proof = oracle.path(index, D[:size])
        for bad in mangled(proof):
            with pytest.raises(InclusionInvalid):
                verify_inclusion(D[index], index, size, bad, ROOTS[size])
        for bad in ([], [OTHER], proof[::-1]):
            if bad != proof:
                with pytest.raises(InclusionInvalid):
                    verify_inclusion(D[index], index, size, bad, ROOTS[size])


@pytest.mark.parametrize("new", [1, 2, 3, 7, 8, 9, 31, 32, 33])
def test_mangled_consistency(new: int) -> None:
    for old in range(new + 1):
        for bad in mangled(oracle.proof(old, D[:new]) if old else []):
            with pytest.raises(ConsistencyInvalid):
                verify_consistency(old, new, bad, ROOTS[old], ROOTS[new])


def test_every_bit_of_an_inclusion_proof_counts() -> None:
    index, size = 18, 27
    proof = oracle.path(index, D[:size])
    for i, value in enumerate(proof):
        for flipped in flips(value):
            with pytest.raises(InclusionInvalid):
                verify_inclusion(D[index], index, size, [*proof[:i], flipped, *proof[i + 1 :]], ROOTS[size])
    for leaf in flips(D[index]):
        with pytest.raises(InclusionInvalid):
            verify_inclusion(leaf, index, size, proof, ROOTS[size])
    for root in flips(ROOTS[size]):
        with pytest.raises(InclusionInvalid):
            verify_inclusion(D[index], index, size, proof, root)


@pytest.mark.parametrize("old", [16, 18])
def test_every_bit_of_a_consistency_proof_counts(old: int) -> None:
    new = 27
    proof = oracle.proof(old, D[:new])
    for i, value in enumerate(proof):
        for flipped in flips(value):
            with pytest.raises(ConsistencyInvalid):
                verify_consistency(old, new, [*proof[:i], flipped, *proof[i + 1 :]], ROOTS[old], ROOTS[new])
    for root in flips(ROOTS[old]):
        with pytest.raises(ConsistencyInvalid):
            verify_consistency(old, new, proof, root, ROOTS[new])
    for root in flips(ROOTS[new]):
        with pytest.raises(ConsistencyInvalid):
            verify_consistency(old, new, proof, ROOTS[old], root)


def test_an_inclusion_proof_holds_at_its_index_only() -> None:
    for size in range(1, 34):
        for index in range(size):
            proof = oracle.path(index, D[:size])
            for other in [*range(-2, index), *range(index + 1, size + 3)]:
                with pytest.raises(InclusionInvalid):
                    verify_inclusion(D[index], other, size, proof, ROOTS[size])


def test_a_consistency_proof_holds_for_its_old_size_only() -> None:
    for new in range(1, 34):
        for old in range(1, new):
            proof = oracle.proof(old, D[:new])
            for other in [*range(-2, old), *range(old + 1, new + 3)]:
                with pytest.raises(ConsistencyInvalid):
                    verify_consistency(other, new, proof, ROOTS[old], ROOTS[new])


def test_a_byte_moved_from_the_leaf_hash_to_the_proof_is_refused() -> None:
    left, right = D[:2]
    with pytest.raises(InclusionInvalid, match="31 bytes"):
        verify_inclusion(left[:-1], 0, 2, [left[-1:] + right], ROOTS[2])


def test_a_byte_moved_from_the_old_root_to_the_proof_is_refused() -> None:
    [right] = oracle.proof(2, D[:4])
    with pytest.raises(ConsistencyInvalid, match="31 bytes"):
        verify_consistency(2, 4, [ROOTS[2][-1:] + right], ROOTS[2][:-1], ROOTS[4])


def test_a_proof_of_a_larger_tree_is_refused_under_its_root() -> None:
    # The hashes do lead to this root, but not from a tree of the size claimed.
    with pytest.raises(InclusionInvalid, match="too many"):
        verify_inclusion(D[1], 0, 1, [D[0]], ROOTS[2])
    with pytest.raises(ConsistencyInvalid, match="too long"):
        verify_consistency(1, 2, [D[1], D[2]], oracle.mth([D[2], D[0]]), oracle.mth([D[2], ROOTS[2]]))


@pytest.mark.parametrize("size", [0, -1, 1 << 63])
def test_sizes_without_a_tree(size: int) -> None:
    with pytest.raises(InclusionInvalid):
        verify_inclusion(D[0], 0, size, [], ROOTS[1])
    with pytest.raises(ConsistencyInvalid):
        verify_consistency(1, size, [], ROOTS[1], ROOTS[2])


def test_the_empty_tree() -> None:
    verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
    verify_consistency(0, 5, [], EMPTY_ROOT, ROOTS[5])
    for proof, old_root, new_root in (
        ([OTHER], EMPTY_ROOT, ROOTS[5]),
        ([], OTHER, ROOTS[5]),
        ([], EMPTY_ROOT, b"short"),
    ):
        with pytest.raises(ConsistencyInvalid):
            verify_consistency(0, 5, proof, old_root, new_root)
    with pytest.raises(ConsistencyInvalid):
        verify_consistency(0, 0, [], EMPTY_ROOT, OTHER)


def test_equal_sizes_take_equal_roots() -> None:
    verify_consistency(5, 5, [], ROOTS[5], ROOTS[5])
    with pytest.raises(ConsistencyInvalid, match="two root hashes for one size"):
        verify_consistency(5, 5, [], ROOTS[5], OTHER)


hashes = st.binary(min_size=32, max_size=32) | st.sampled_from([*D, *ROOTS]) | st.binary(max_size=40)
numbers = st.integers(-2, 40) | st.integers(0, 1 << 64)


@settings(max_examples=300)
@given(hashes, numbers, numbers, st.lists(hashes, max_size=70), hashes)
def test_anything_else_is_refused(a: bytes, m: int, n: int, proof: list[bytes], b: bytes) -> None:
    if 0 <= m < n <= len(D) and proof == oracle.path(m, D[:n]):
        return
    if a != b:
        with pytest.raises(InclusionInvalid):
            verify_inclusion(a, m, n, proof, b)
        if a != EMPTY_ROOT:
            with pytest.raises(ConsistencyInvalid):
                verify_consistency(m, n, proof, a, b)

"""Verification of inclusion and consistency proofs, from RFC 9162 sections 2.1.3.2 and 2.1.4.2.

Shares no code with the prover but the two hash functions. Every function returns nothing if the proof holds
and raises otherwise. Indices count from 0, sizes count leaves, hashes are 32 bytes.

https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2
"""

from __future__ import annotations

from collections.abc import Sequence

from tlog.errors import ConsistencyInvalid, InclusionInvalid, VerificationFailed
from tlog.merkle.hashing import EMPTY_ROOT, HASH_BYTES, node_hash


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that this leaf is at `index` in the tree of `size` leaves. Raises InclusionInvalid."""
    if not 0 <= index < size:
        raise InclusionInvalid(f"index {index} is not in a tree of size {size}")
    _require_hashes(InclusionInvalid, leaf_hash, *proof)
    fn, sn, r = index, size - 1, leaf_hash
    for p in proof:
        if sn == 0:
            raise InclusionInvalid(f"{len(proof)} hashes are too many for index {index}, size {size}")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            fn, sn = _shift_until_odd(fn, sn)
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise InclusionInvalid(f"{len(proof)} hashes are too few for index {index}, size {size}")
    if r != root:
        raise InclusionInvalid(f"index {index}, size {size}: the proof leads to another root hash")


def verify_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree of `old_size` leaves is a prefix of that of `new_size`. Raises ConsistencyInvalid.

    The RFC starts at 0 < old < new. Here old size 0 takes the empty root and an empty proof, and equal
    sizes take equal roots and an empty proof.
    """
    if not 0 <= old_size <= new_size:
        raise ConsistencyInvalid(f"old size {old_size} and new size {new_size} are not in order")
    if old_size in (0, new_size):
        _verify_trivial(old_size, new_size, proof, old_root, new_root)
        return
    _require_hashes(ConsistencyInvalid, old_root, *proof)
    if not proof:
        raise ConsistencyInvalid(f"an empty proof cannot connect size {old_size} to {new_size}")
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if _walk(old_size, new_size, path) != (old_root, new_root):
        raise ConsistencyInvalid(f"sizes {old_size} and {new_size}: the proof leads to other root hashes")


def _walk(old_size: int, new_size: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """Return the old and the new root hash that `path` leads to: steps 3 to 6 of RFC 9162 section 2.1.4.2."""
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            raise ConsistencyInvalid(f"the proof is too long for sizes {old_size} and {new_size}")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            fn, sn = _shift_until_odd(fn, sn)
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ConsistencyInvalid(f"the proof is too short for sizes {old_size} and {new_size}")
    return fr, sr


def _shift_until_odd(fn: int, sn: int) -> tuple[int, int]:
    while fn != 0 and not fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _verify_trivial(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    if proof:
        raise ConsistencyInvalid(f"sizes {old_size} and {new_size} need no proof, {len(proof)} hashes given")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ConsistencyInvalid("the root hash of the empty tree is not SHA-256 of nothing")
    if old_size == new_size and old_root != new_root:
        raise ConsistencyInvalid(f"two root hashes for one size, {old_size}")
    if old_size == 0:
        _require_hashes(ConsistencyInvalid, new_root)


def _require_hashes(error: type[VerificationFailed], *hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise error(f"a hash of {len(value)} bytes, not {HASH_BYTES}")

"""Verification of proofs about a subtree [start, end) of a tree.

From draft-ietf-plants-merkle-tree-certs section 4. A range is a subtree if 0 <= start <= end and start is a
multiple of the smallest power of two not below end - start: every hash under MTH(D[start:end]) but those at
its right edge is then a hash of the whole tree too.

https://datatracker.ietf.org/doc/draft-ietf-plants-merkle-tree-certs/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlog.errors import ConsistencyInvalid, InclusionInvalid
from tlog.merkle.hashing import EMPTY_ROOT, HASH_BYTES, node_hash
from tlog.merkle.verify import verify_inclusion


@dataclass(frozen=True, slots=True)
class Subtree:
    """The leaves from `start` (counting from 0) up to, not including, `end`. Checked where it is verified."""

    start: int
    end: int

    @property
    def aligned(self) -> bool:
        """Whether this range is a subtree. An empty range is one at any start."""
        start, width = self.start, self.end - self.start
        return width == 0 <= start or (start >= 0 < width and start % (1 << (width - 1).bit_length()) == 0)

    def __str__(self) -> str:
        return f"[{self.start}, {self.end})"


def verify_subtree_inclusion(
    leaf_hash: bytes, index: int, subtree: Subtree, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf is at `index` (from 0, in the whole tree), within the subtree that has this root.

    Raises InclusionInvalid.
    """
    if not subtree.aligned:
        raise InclusionInvalid(f"{subtree} is not a subtree")
    if not subtree.start <= index < subtree.end:
        raise InclusionInvalid(f"index {index} is not in {subtree}")
    verify_inclusion(leaf_hash, index - subtree.start, subtree.end - subtree.start, proof, root)


def verify_subtree_consistency(
    subtree: Subtree, size: int, proof: Sequence[bytes], subtree_root: bytes, root: bytes
) -> None:
    """Check that the subtree with `subtree_root` is part of the tree of `size` leaves with `root`.

    An empty subtree has the empty root and an empty proof, and says nothing about `root`. Raises
    ConsistencyInvalid.
    """
    if not subtree.aligned or subtree.end > size:
        raise ConsistencyInvalid(f"{subtree} is not a subtree of a tree of size {size}")
    if subtree.start == subtree.end:
        if proof or subtree_root != EMPTY_ROOT:
            raise ConsistencyInvalid(f"{subtree} is empty: it takes the empty root hash and no proof")
        return
    if any(len(value) != HASH_BYTES for value in proof):
        raise ConsistencyInvalid(f"a hash in the proof is not of {HASH_BYTES} bytes")
    if _walk(subtree, size, proof, subtree_root) != (subtree_root, root):
        raise ConsistencyInvalid(f"{subtree} in size {size}: the proof leads to other root hashes")


def _walk(subtree: Subtree, size: int, proof: Sequence[bytes], subtree_root: bytes) -> tuple[bytes, bytes]:
    """Return the subtree's and the tree's root hash that the proof leads to.

    fn, sn and tn are the places of the subtree's first leaf, its last leaf and the tree's last leaf, at the
    height reached. Where the subtree is perfect, or ends where the tree does, the walk begins at its own
    root.
    """
    fn, sn, tn = subtree.start, subtree.end - 1, size - 1
    while fn != sn and (sn == tn or sn & 1):
        fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    rest = list(proof)
    if fn != sn and not rest:
        raise ConsistencyInvalid(f"an empty proof cannot connect {subtree} to size {size}")
    fr = sr = subtree_root if fn == sn else rest.pop(0)
    for c in rest:
        if tn == 0:
            raise ConsistencyInvalid(f"the proof is too long for {subtree} in size {size}")
        if sn & 1 or sn == tn:
            fr = node_hash(c, fr) if fn < sn else fr
            sr = node_hash(c, sr)
            while not sn & 1:
                fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn, tn = fn >> 1, sn >> 1, tn >> 1
    if tn != 0:
        raise ConsistencyInvalid(f"the proof is too short for {subtree} in size {size}")
    return fr, sr

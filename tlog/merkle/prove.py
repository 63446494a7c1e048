"""Proofs by RFC 6962 section 2.1, from a tree that can tell the root of a leaf range.

Inclusion (2.1.1) is pymerkle's inclusion path without its first hash, which is the leaf's own. Consistency
(2.1.2) is decomposed here: pymerkle's consistency proofs hold other hashes than the RFC's.

https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1
"""

from __future__ import annotations

from tlog.errors import OutOfRange
from tlog.merkle.tree import TileTree


def inclusion_proof(tree: TileTree, index: int, size: int) -> list[bytes]:
    """Return PATH(index, D[0:size]): the siblings from the leaf's up, at most 63 hashes of 32 bytes.

    `index` counts from 0. Raises OutOfRange unless 0 <= index < size <= the tree's size.
    """
    if not 0 < size <= tree.size:
        raise OutOfRange(f"tree size {size} is not between 1 and {tree.size}")
    if not 0 <= index < size:
        raise OutOfRange(f"index {index} is not below the tree size {size}")
    path: list[bytes] = tree.prove_inclusion(index + 1, size).path
    return path[1:]


def consistency_proof(tree: TileTree, old: int, new: int) -> list[bytes]:
    """Return PROOF(old, D[0:new]), lowest subtree first; empty where `old` is 0 or equals `new`.

    Raises OutOfRange unless 0 <= old <= new <= the tree's size.
    """
    if not 0 <= old <= new <= tree.size:
        raise OutOfRange(f"old size {old}, new size {new}: need 0 <= old <= new <= {tree.size}")
    return [tree.range_root(start, end) for start, end in consistency_ranges(old, new)] if old else []


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """Return the leaf ranges whose roots make up PROOF(old, D[0:new]), in the proof's order; 0 < old <= new.

    SUBPROOF(m, D[start:end], b) of RFC 6962 section 2.1.2, unrolled from the root down. `b` is true while
    the old tree is a subtree whose hash the verifier already has, that is, until the walk first goes right.
    """
    ranges: list[tuple[int, int]] = []
    start, end = 0, new
    while old < end:
        split = start + (1 << (end - start - 1).bit_length() - 1)
        if old <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    if start > 0:
        ranges.append((start, end))
    return ranges[::-1]

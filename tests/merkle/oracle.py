"""RFC 6962 section 2.1 transcribed as it is written, recursion and all: the oracle of every test here.

Also SUBTREE_SUBPROOF of draft-ietf-plants-merkle-tree-certs, in the same manner. `d` is a list of leaf
hashes, so that MTH({d(0)}) is d[0] itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def leaves(count: int, salt: str = "") -> list[bytes]:
    return [sha256(f"{salt}leaf {i}".encode()).digest() for i in range(count)]


def k_of(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d: Sequence[bytes]) -> bytes:
    if not d:
        return sha256().digest()
    if len(d) == 1:
        return d[0]
    k = k_of(len(d))
    return sha256(b"\x01" + mth(d[:k]) + mth(d[k:])).digest()


def path(m: int, d: Sequence[bytes]) -> list[bytes]:
    if len(d) == 1:
        return []
    k = k_of(len(d))
    if m < k:
        return [*path(m, d[:k]), mth(d[k:])]
    return [*path(m - k, d[k:]), mth(d[:k])]


def proof(m: int, d: Sequence[bytes]) -> list[bytes]:
    return subproof(m, d, True)


def subproof(m: int, d: Sequence[bytes], b: bool) -> list[bytes]:
    if m == len(d):
        return [] if b else [mth(d)]
    k = k_of(len(d))
    if m <= k:
        return [*subproof(m, d[:k], b), mth(d[k:])]
    return [*subproof(m - k, d[k:], False), mth(d[:k])]


def subtree_proof(start: int, end: int, d: Sequence[bytes], b: bool = True) -> list[bytes]:
    if start == 0 and end == len(d):
        return [] if b else [mth(d)]
    k = k_of(len(d))
    if end <= k:
        return [*subtree_proof(start, end, d[:k], b), mth(d[k:])]
    if k <= start:
        return [*subtree_proof(start - k, end - k, d[k:], b), mth(d[:k])]
    return [*subtree_proof(0, end - k, d[k:], False), mth(d[:k])]

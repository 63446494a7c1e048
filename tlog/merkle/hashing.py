"""SHA-256 as RFC 6962 section 2.1 uses it: one prefix byte for leaves, another for nodes.

    MTH({})     = SHA-256()
    MTH({d})    = SHA-256(0x00 || d)
    MTH(D[n])   = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])),  k the largest power of two below n

The prefixes keep a node from passing for a leaf (second-preimage resistance). A *row* is a run of hashes of
one height, concatenated: 32 bytes each, left to right.

https://www.rfc-editor.org/rfc/rfc6962#section-2.1
"""

from __future__ import annotations

from hashlib import sha256

HASH_BYTES = 32
TILE_HEIGHT = 8  # a tile holds the leaves of a perfect subtree of this height (C2SP tlog-tiles)
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES

EMPTY_ROOT = sha256(b"").digest()
_NODE = sha256(b"\x01")  # copying it costs a tenth less than hashing the prefix again


def leaf_hash(leaf: bytes) -> bytes:
    """Return the 32-byte hash of a leaf: SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node from its children's hashes: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def parents(row: bytes) -> bytes:
    """Return the row one height above: one hash a pair. An odd last hash has no parent yet."""
    copy, out, pair = _NODE.copy, [], 2 * HASH_BYTES
    for i in range(0, len(row) // pair * pair, pair):
        node = copy()
        node.update(row[i : i + pair])
        out.append(node.digest())
    return b"".join(out)


def perfect_root(row: bytes) -> bytes:
    """Return the root of the perfect subtree over `row`, whose number of hashes is a power of two."""
    while len(row) > HASH_BYTES:
        row = parents(row)
    return row


def pyramid(row: bytes) -> list[bytes]:
    """Return a tile's rows of nodes, from its hashes (height 0) upward until a row has at most one hash."""
    rows = [row]
    while len(row) > HASH_BYTES:
        row = parents(row)
        rows.append(row)
    return rows

"""The right edge of a tree: the partial tile of every level, which together determine its root hash.

The level-L partial tile of a tree of s leaves holds floor(s / 256**L) mod 256 hashes (C2SP tlog-tiles,
"Partial Tiles"); a level with none is an empty row. What these rows leave out lies in full tiles, each of
which is one hash of a row of a higher level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tlog.merkle.hashing import EMPTY_ROOT, HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, node_hash, pyramid


def edge_widths(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield (level, index, width) of each level's partial tile, the lowest level first; a width may be 0."""
    level = 0
    while size > 0:
        yield level, size // TILE_WIDTH, size % TILE_WIDTH
        level, size = level + 1, size >> TILE_HEIGHT


def tile_width(size: int, level: int, index: int) -> int:
    """Return how many hashes a tile has in a tree of `size` leaves: at most 256, and 0 or less outside."""
    return min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH)


def edge_root(rows: Iterable[bytes]) -> bytes:
    """Return the root hash of the tree with these partial tiles, one row a level, lowest level first.

    A hash without a right neighbour is the root of a maximal perfect subtree; RFC 6962's MTH joins these
    from the smallest, on the right, to the largest.
    """
    right = b""
    for row in rows:
        for nodes in pyramid(row):
            if len(nodes) // HASH_BYTES % 2:
                last = nodes[-HASH_BYTES:]
                right = node_hash(last, right) if right else last
    return right or EMPTY_ROOT

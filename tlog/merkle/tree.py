"""A read-only Merkle tree over tiles: pymerkle's tree, with every subtree hash taken from a tile.

The only file that imports pymerkle. pymerkle decides which leaf ranges a root or an inclusion path needs;
this adapter answers each perfect subtree from one tile, so a proof reads O(log n) tiles whatever the size
of the log.

A `TileTree` is one size of one log and is cheap to make, one a request. Trees of all sizes over the same
`TileNodes` share its bounded cache. Its answers are as good as its tiles: give it a `VerifiedTileSource`
where those come from elsewhere.
"""

from __future__ import annotations

from typing import NoReturn

from pymerkle.core import BaseMerkleTree

from tlog.errors import OutOfRange
from tlog.merkle.edge import tile_width
from tlog.merkle.hashing import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH
from tlog.merkle.nodes import TileNodes
from tlog.merkle.source import TileSource

__all__ = ["TileSource", "TileTree"]


class TileTree(BaseMerkleTree):  # type: ignore[misc]  # pymerkle has no types
    """The tree of the first `size` leaves of the log in `source`. Safe to use from several threads."""

    def __init__(self, source: TileSource, size: int) -> None:
        if size < 0:
            raise OutOfRange(f"tree size {size} is negative")
        # pymerkle's own cache (up to 1 GiB a tree) stays empty: `_get_subroot` below replaces what uses it.
        super().__init__("sha256", capacity=0)
        self.size = size
        self._nodes = source if isinstance(source, TileNodes) else TileNodes(source)
        self._recent: dict[int, tuple[int, list[bytes]]] = {}  # level: the tile last asked for, and its rows

    def root(self, size: int | None = None) -> bytes:
        """Return the 32-byte root hash of the first `size` leaves (all, if not given). Raises OutOfRange."""
        return self.range_root(0, self.size if size is None else size)

    def range_root(self, start: int, end: int) -> bytes:
        """Return MTH(D[start:end]) of a subtree. Raises OutOfRange for a range that is none.

        Its `start` is a multiple of its width rounded up to a power of two.
        """
        if not 0 <= start <= end <= self.size:
            raise OutOfRange(f"[{start}, {end}) is not within the tree of {self.size} leaves")
        if end > start and start % (1 << (end - start - 1).bit_length()):
            raise OutOfRange(f"[{start}, {end}) is not a subtree: its start is not aligned to its width")
        root: bytes = self._get_root(start, end)
        return root

    def _get_root(self, start: int, end: int) -> bytes:
        width = end - start
        perfect = width & (width - 1) == 0 < width
        root: bytes = self._get_subroot(start, width) if perfect else super()._get_root(start, end)
        return root

    def _get_subroot(self, offset: int, width: int) -> bytes:
        """Return the root of the perfect subtree of `width` (a power of two) leaves at `offset`."""
        exponent = width.bit_length() - 1
        level, height = divmod(exponent, TILE_HEIGHT)
        index, position = divmod(offset >> exponent, TILE_WIDTH >> height)
        return self._rows(level, index)[height][position * HASH_BYTES : (position + 1) * HASH_BYTES]

    def _rows(self, level: int, index: int) -> list[bytes]:
        recent = self._recent.get(level)
        if recent is None or recent[0] != index:
            recent = (index, self._nodes.rows(level, index, tile_width(self.size, level, index)))
            self._recent[level] = recent
        return recent[1]

    def _get_leaf(self, index: int) -> bytes:
        """Return the leaf hash at `index`, which counts from 1 in pymerkle."""
        return self._get_subroot(index - 1, 1)

    def _get_leaves(self, offset: int, width: int) -> list[bytes]:
        return [self._get_subroot(offset + i, 1) for i in range(width)]

    def _get_size(self) -> int:
        return self.size

    def _encode_entry(self, data: object) -> NoReturn:  # noqa: ARG002
        raise TypeError("a TileTree is a fixed snapshot; append with TreeBuilder")

    def _store_leaf(self, data: object, digest: bytes) -> NoReturn:  # noqa: ARG002
        raise TypeError("a TileTree is a fixed snapshot; append with TreeBuilder")

"""Building a tree's tiles from its leaf hashes, batch by batch, holding only the right edge.

`extend` hands out tiles as they fill; `partial_tiles` those of the current right edge, which a checkpoint
of this size needs stored. The state is the edge alone, so it is read back from the store's partial tiles
(`load`), whatever moment the process stopped at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tlog.errors import TileInvalid
from tlog.merkle.edge import edge_root, edge_widths
from tlog.merkle.hashing import HASH_BYTES, TILE_BYTES, perfect_root
from tlog.merkle.source import TileSource


@dataclass(frozen=True, slots=True)
class TileData:
    """One tile's content: 1 to 256 hashes of 32 bytes. `index` counts from 0 within `level`."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """Return the number of hashes; 256 is a full tile."""
        return len(self.hashes) // HASH_BYTES


class TreeBuilder:
    """The right edge of a tree of `size` leaves: memory is O(256 * levels). Not thread-safe.

    `edge[level]` is the concatenated hashes of that level's partial tile, possibly empty.
    """

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        rows = [bytes(row) for row in edge]
        widths = [width for _, _, width in edge_widths(size)]
        wanted = widths + [0] * (len(rows) - len(widths))
        if size < 0 or [len(row) for row in rows] != [width * HASH_BYTES for width in wanted]:
            raise TileInvalid(f"this is not the right edge of a tree of {size} leaves")
        self.size = size
        self._edge = rows[: len(widths)]

    @classmethod
    def load(cls, source: TileSource, size: int) -> TreeBuilder:
        """Return the builder of the first `size` leaves in `source`.

        Raises TileInvalid, or what the source raises.
        """
        edge = []
        for level, index, width in edge_widths(size):
            # A store may have the full tile already: the process stopped after writing it.
            row = source.tile(level, index, width) if width else b""
            edge.append(row[: width * HASH_BYTES])
        return cls(size, edge)

    def extend(self, leaf_hashes: Sequence[bytes]) -> list[TileData]:
        """Append leaf hashes (32 bytes each) and return the full tiles they complete.

        Tiles are of all levels, the lowest level first. Raises ValueError and changes nothing for a hash of
        another length.
        """
        if not set(map(len, leaf_hashes)) <= {HASH_BYTES}:
            raise ValueError(f"a leaf hash is not of {HASH_BYTES} bytes")
        completed: list[TileData] = []
        new, level, before = b"".join(leaf_hashes), 0, self.size
        while new:
            row = (self._edge[level] if level < len(self._edge) else b"") + new
            tiles = _full_tiles(level, before >> 8, row)
            self._set_edge(level, row[len(tiles) * TILE_BYTES :])
            completed += tiles
            new = b"".join([perfect_root(tile.hashes) for tile in tiles])
            level, before = level + 1, before >> 8
        self.size += len(leaf_hashes)
        return completed

    def partial_tiles(self) -> list[TileData]:
        """Return the partial tiles of the current right edge, the lowest level first."""
        edge = zip(edge_widths(self.size), self._edge, strict=True)
        return [TileData(level, index, row) for (level, index, width), row in edge if width]

    def root(self) -> bytes:
        """Return the tree's 32-byte root hash."""
        return edge_root(self._edge)

    def _set_edge(self, level: int, row: bytes) -> None:
        if level == len(self._edge):
            self._edge.append(row)
        else:
            self._edge[level] = row


def _full_tiles(level: int, first: int, row: bytes) -> list[TileData]:
    ends = range(TILE_BYTES, len(row) + 1, TILE_BYTES)
    return [TileData(level, first + i, row[end - TILE_BYTES : end]) for i, end in enumerate(ends)]

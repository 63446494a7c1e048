"""Reading tiles from anywhere, trusting none of them before it is hashed up to a checkpoint's root.

What is trusted, and why:

1. the right edge (the partial tile of every level) — because the root hash computed from it is the
   checkpoint's;
2. a full tile — because its root is the hash that its parent tile, itself verified, holds in its place;
3. an entry bundle — because its entries' leaf hashes are the verified level-0 tile.

Fetching (over a network, asynchronously, in parallel) is the affair of the source passed in.
"""

from __future__ import annotations

from collections import OrderedDict

from tlog.errors import MalformedTile, NotFound, TileInvalid
from tlog.formats.tile import parse_bundle
from tlog.merkle.edge import edge_root, edge_widths, tile_width
from tlog.merkle.hashing import HASH_BYTES, TILE_WIDTH, leaf_hash, perfect_root
from tlog.merkle.source import TileSource

DEFAULT_TILES = 1024  # 8 KiB each


class VerifiedTileSource:
    """The tiles of the tree of `size` leaves with this `root`, each verified before it is handed out.

    Implements TileSource. `capacity` counts the full tiles kept as verified; the right edge is kept
    besides. Calls on several threads need several instances.
    """

    def __init__(self, source: TileSource, size: int, root: bytes, capacity: int = DEFAULT_TILES) -> None:
        self.size = size
        self.root = root
        self._source = source
        self._capacity = capacity
        self._edge: dict[tuple[int, int], bytes] | None = None
        self._full: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def check_root(self) -> None:
        """Check the right edge against the root hash. Raises TileInvalid, or what the source raises."""
        self._verified_edge()

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return every hash the tile has in this tree (32 bytes each), verified.

        Raises NotFound if that is fewer than `width`, TileInvalid, or what the source raises.
        """
        there = tile_width(self.size, level, index) if level >= 0 and index >= 0 else 0
        if there <= 0 or width > there:
            raise NotFound(f"tile {level}/{index} with {width} hashes is not in a tree of size {self.size}")
        if there == TILE_WIDTH:
            return self._verified_full(level, index)
        return self._verified_edge()[level, index]

    def verified_bundle(self, index: int, data: bytes) -> list[bytes]:
        """Return the entries of an entry bundle as far as this tree goes, each checked against its leaf hash.

        `data` may be the full bundle where this tree only has a partial one; what is beyond the tree is
        dropped. Raises TileInvalid, NotFound, or what the source raises.
        """
        row = self.tile(0, index, 1)
        width = len(row) // HASH_BYTES
        entries = _parse_bundle(index, data, width)
        for i, entry in enumerate(entries):
            if leaf_hash(entry) != row[i * HASH_BYTES : (i + 1) * HASH_BYTES]:
                raise TileInvalid(f"entry {index * TILE_WIDTH + i} is not the one in the tree")
        return entries

    def _read(self, level: int, index: int, width: int) -> bytes:
        row = self._source.tile(level, index, width)
        if len(row) < width * HASH_BYTES:
            raise TileInvalid(f"tile {level}/{index} has {len(row)} bytes, not {width} hashes")
        return row[: width * HASH_BYTES]

    def _verified_edge(self) -> dict[tuple[int, int], bytes]:
        if self._edge is None:
            edge = {
                (level, index): self._read(level, index, width)
                for level, index, width in edge_widths(self.size)
                if width
            }
            # Dict order is level order, and a level without a partial tile adds nothing to the root.
            if edge_root(edge.values()) != self.root:
                raise TileInvalid(f"the right edge does not hash to the root of the tree of size {self.size}")
            self._edge = edge
        return self._edge

    def _verified_full(self, level: int, index: int) -> bytes:
        key = (level, index)
        if (row := self._full.get(key)) is not None:
            self._full.move_to_end(key)
            return row
        expected = self._parent_hash(level, index)
        row = self._read(level, index, TILE_WIDTH)
        if perfect_root(row) != expected:
            raise TileInvalid(f"tile {level}/{index} does not hash to its place in the tree")
        self._keep(key, row)
        return row

    def _parent_hash(self, level: int, index: int) -> bytes:
        parent, place = divmod(index, TILE_WIDTH)
        row = self.tile(level + 1, parent, place + 1)
        return row[place * HASH_BYTES : (place + 1) * HASH_BYTES]

    def _keep(self, key: tuple[int, int], row: bytes) -> None:
        self._full[key] = row
        while len(self._full) > self._capacity:
            self._full.popitem(last=False)


def _parse_bundle(index: int, data: bytes, width: int) -> list[bytes]:
    try:
        return parse_bundle(data, width)
    except MalformedTile as exc:
        reason = exc
    try:
        return parse_bundle(data, TILE_WIDTH)[:width]
    except MalformedTile:
        raise TileInvalid(f"entry bundle {index}: {reason}") from reason

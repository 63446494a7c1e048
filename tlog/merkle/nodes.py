"""The nodes inside tiles, computed once a tile and kept in a bounded cache.

A tile holds only the lowest row of its subtree of height 8; a proof needs one node of every height. Hashing
a whole tile costs 255 hashes, about what the siblings of one leaf cost, so the whole pyramid is computed
and kept: the next proof through this tile hashes nothing. Tiles never change, they only grow to the right,
so an entry serves every tree in which the tile is as wide or narrower.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from tlog.errors import TileInvalid
from tlog.merkle.hashing import HASH_BYTES, pyramid
from tlog.merkle.source import TileSource

DEFAULT_TILES = 1024  # a full tile's pyramid takes 16 KiB, so at most 16 MiB


class TileNodes:
    """A TileSource that also answers nodes inside tiles. Safe to use from several threads.

    `capacity` counts tiles.
    """

    def __init__(self, source: TileSource, capacity: int = DEFAULT_TILES) -> None:
        self._source = source
        self._capacity = capacity
        self._pyramids: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self._lock = Lock()

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return at least the first `width` hashes of a tile; raise what the source raises."""
        return self.rows(level, index, width)[0]

    def rows(self, level: int, index: int, width: int) -> list[bytes]:
        """Return a tile's rows of nodes over at least its first `width` hashes; row h lies h above the tile.

        Raises TileInvalid for a tile too short, or what the source raises.
        """
        key = (level, index)
        with self._lock:
            rows = self._pyramids.get(key)
            if rows is not None and len(rows[0]) >= width * HASH_BYTES:
                self._pyramids.move_to_end(key)
                return rows
        rows = pyramid(self._read(level, index, width))
        with self._lock:
            self._pyramids[key] = rows
            self._pyramids.move_to_end(key)
            while len(self._pyramids) > self._capacity:
                self._pyramids.popitem(last=False)
        return rows

    def _read(self, level: int, index: int, width: int) -> bytes:
        row = self._source.tile(level, index, width)
        if len(row) < width * HASH_BYTES or len(row) % HASH_BYTES:
            raise TileInvalid(f"tile {level}/{index}: {len(row)} bytes, not the {width} hashes needed")
        return row

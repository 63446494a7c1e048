"""The log's own tiles as the source its proofs are made from.

A tile is read in the form that the integrated tree has stored: full, or partial at the right edge. The edge
may move between asking how wide it is and reading it (its partial tile is collected once the full one is
published), so a tile that is gone is looked for once more at the new size.
"""

from __future__ import annotations

from collections.abc import Callable

from tlog.errors import NotFound
from tlog.formats.tile import TILE_WIDTH, TileRef
from tlog.merkle.edge import tile_width
from tlog.storage.tile_store import TileStore


class StoredTiles:
    """A `TileSource` over the tile store. Safe to use from several threads."""

    def __init__(self, store: TileStore, integrated_size: Callable[[], int]) -> None:
        """`integrated_size` tells how many leaves the stored tiles cover now."""
        self._store = store
        self._size = integrated_size

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return at least the first `width` hashes of a tile. Raises `NotFound`, `Unavailable`."""
        try:
            return self._read(level, index, width)
        except NotFound:
            return self._read(level, index, width)

    def _read(self, level: int, index: int, width: int) -> bytes:
        stored = min(tile_width(self._size(), level, index), TILE_WIDTH)
        if stored < width:
            raise NotFound(f"tile {level}/{index} has {max(stored, 0)} hashes yet, not {width}")
        return self._store.get(TileRef(level, index, stored))

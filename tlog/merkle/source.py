"""Where tiles come from: the one thing a store, a cache or a remote log must offer to be proved from."""

from __future__ import annotations

from typing import Protocol


class TileSource(Protocol):
    """The tiles of one log (C2SP tlog-tiles): the level from 0 up, the index from 0 within the level."""

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return at least the first `width` (1 to 256) hashes of a tile, 32 bytes each.

        Raises NotFound, or TileInvalid.
        """
        ...

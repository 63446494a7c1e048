"""A log's tiles in a dictionary, under the names a log stores them by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from tests.merkle import oracle
from tlog.errors import NotFound
from tlog.merkle.builder import TileData, TreeBuilder


class Tiles:
    """A TileSource that counts its reads."""

    def __init__(self) -> None:
        self.stored: dict[tuple[int, int, int], bytes] = {}
        self.reads: list[tuple[int, int, int]] = []

    def tile(self, level: int, index: int, width: int) -> bytes:
        self.reads.append((level, index, width))
        for name in ((level, index, width), (level, index, 256)):
            if name in self.stored:
                return self.stored[name]
        raise NotFound(f"tile {level}/{index}.p/{width}")

    def put(self, tiles: Sequence[TileData]) -> None:
        for tile in tiles:
            self.stored[tile.level, tile.index, tile.width] = tile.hashes


def build(hashes: Sequence[bytes], batch: int = 1000) -> tuple[Tiles, TreeBuilder]:
    """Return the tiles of a tree (partial ones of the final size only) and its builder."""
    tiles, builder = Tiles(), TreeBuilder()
    for start in range(0, len(hashes), batch):
        tiles.put(builder.extend(hashes[start : start + batch]))
    tiles.put(builder.partial_tiles())
    return tiles, builder


LARGE = 2 * 65536 + 3 * 256 + 77  # three levels, each with a partial tile


@cache
def large() -> tuple[Tiles, list[bytes]]:
    hashes = oracle.leaves(LARGE)
    return build(hashes)[0], hashes

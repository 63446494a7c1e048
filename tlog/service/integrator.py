"""Integrate: from assigned indices to durable tiles and entry bundles.

Order, which is what makes a crash harmless at every point:

1. full tiles and bundles, then the partial ones of the new size, all durable;
2. the state row: `integrated_size` and root, compared and swapped;
3. only then may a checkpoint of this size be signed.

A crash before 2 leaves objects that the next run writes again with the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from tlog.errors import NotFound, StorageFault, TileInvalid
from tlog.formats.tile import TILE_WIDTH, TileRef, bundles_of, encode_bundle, parse_tile_path, tiles_of
from tlog.merkle.builder import TileData, TreeBuilder
from tlog.merkle.hashing import TILE_BYTES, leaf_hash
from tlog.service.stored_tiles import StoredTiles
from tlog.storage.log_store import LogState, LogStore
from tlog.storage.tile_store import TileStore

_CHUNK = 64 * TILE_WIDTH


class Integrator:
    """The one writer of tiles. Methods block; call `integrate` from one thread at a time."""

    def __init__(self, store: LogStore, tiles: TileStore) -> None:
        """Take up the tree where the database says it stands.

        The right edge in the tile store is checked against the database's leaves and root, and that every
        other object is there; where not, the tiles are made anew from the database. Raises `StorageFault` if
        the database's leaves do not hash to the root it recorded: somebody changed them.
        """
        self._store = store
        self._tiles = tiles
        self._ahead = False
        self.state: LogState = store.state()
        sizes = tiles.sizes()
        self._stale = [parse_tile_path(path) for path in sizes if ".p/" in path]
        try:
            self._require_objects(sizes)
            self._builder, self._bundle = self._load()
        except (NotFound, TileInvalid):
            self._builder, self._bundle = self._rebuild()

    def integrate(self) -> LogState:
        """Bring every assigned leaf into the tiles; durable on return.

        Raises `StorageFault`, `Unavailable` or `ConcurrentUpdate`; the next call starts from the state row.
        """
        if self._ahead:
            # A run that failed left the builder ahead of what is stored: forget it and read the edge back.
            self.state = self._store.state()
            self._builder, self._bundle = self._load()
        target = self._store.state().size
        self._ahead = target != self.state.integrated_size
        if self._ahead:
            for start in range(self._builder.size, target, _CHUNK):
                self._extend(start, min(start + _CHUNK, target))
            self._write_edge()
            self.state = self._store.set_integrated(self.state, target, self._builder.root())
            self._ahead = False
        return self.state

    def collect(self, published: int) -> None:
        """Remove partial tiles whose full tile the published checkpoint of this size covers."""
        done = [ref for ref in self._stale if _covered(ref, published)]
        self._tiles.delete(done)
        self._stale = [ref for ref in self._stale if not _covered(ref, published)]

    def _extend(self, start: int, end: int) -> None:
        leaves = self._store.leaves(start, end)
        full = self._builder.extend([leaf_hash(leaf) for leaf in leaves])
        objects = [(_ref(tile), tile.hashes) for tile in full]
        self._bundle.extend(leaves)
        first = start // TILE_WIDTH
        for number in range(len(self._bundle) // TILE_WIDTH):
            piece = self._bundle[number * TILE_WIDTH : (number + 1) * TILE_WIDTH]
            objects.append((TileRef(None, first + number), encode_bundle(piece)))
        del self._bundle[: len(self._bundle) // TILE_WIDTH * TILE_WIDTH]
        self._tiles.put_many(objects)

    def _write_edge(self) -> None:
        objects = [(_ref(tile), tile.hashes) for tile in self._builder.partial_tiles()]
        if self._bundle:
            ref = TileRef(None, self._builder.size // TILE_WIDTH, len(self._bundle))
            objects.append((ref, encode_bundle(self._bundle)))
        self._tiles.put_many(objects)
        self._stale.extend(ref for ref, _ in objects)

    def _require_objects(self, sizes: Mapping[str, int]) -> None:
        """Raise `NotFound` unless every full tile and bundle of the integrated tree is stored, of its size."""
        size = self.state.integrated_size
        for ref in tiles_of(size):
            if not ref.is_partial and sizes.get(ref.path()) != TILE_BYTES:
                raise NotFound(f"{ref.path()} is missing or cut off")
        for ref in bundles_of(size):
            if not ref.is_partial and ref.path() not in sizes:
                raise NotFound(f"{ref.path()} is missing")

    def _load(self) -> tuple[TreeBuilder, list[bytes]]:
        size = self.state.integrated_size
        builder = TreeBuilder.load(StoredTiles(self._tiles, lambda: size), size)
        bundle = self._store.leaves(size // TILE_WIDTH * TILE_WIDTH, size)
        edge = b"".join(leaf_hash(leaf) for leaf in bundle)
        stored = next((tile.hashes for tile in builder.partial_tiles() if tile.level == 0), b"")
        if builder.root() != self.state.integrated_root or edge != stored:
            raise TileInvalid("the stored right edge is not the database's")
        if bundle:
            self._tiles.get(TileRef(None, size // TILE_WIDTH, len(bundle)))
        return builder, bundle

    def _rebuild(self) -> tuple[TreeBuilder, list[bytes]]:
        size = self.state.integrated_size
        self._builder, self._bundle = TreeBuilder(), []
        for start in range(0, size, _CHUNK):
            self._extend(start, min(start + _CHUNK, size))
        if self._builder.root() != self.state.integrated_root:
            raise StorageFault(
                f"the {size} leaves in the database do not hash to the root recorded for them: the database "
                "was changed. Run 'tlog fsck', and do not publish from it"
            )
        self._write_edge()
        return self._builder, self._bundle


def _ref(tile: TileData) -> TileRef:
    return TileRef(tile.level, tile.index, tile.width)


def _covered(ref: TileRef, size: int) -> bool:
    return (ref.index + 1) * TILE_WIDTH << (8 * (ref.level or 0)) <= size

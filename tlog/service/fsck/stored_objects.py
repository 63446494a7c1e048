"""From the tiles up: does every bundle hash into its tile, every tile into the one above, up to the signed root?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from tlog.errors import TlogError
from tlog.formats.tile import TileRef, bundles_of, encode_bundle, parse_bundle
from tlog.merkle.builder import TileData, TreeBuilder
from tlog.merkle.hashing import HASH_BYTES, leaf_hash
from tlog.service.fsck.report import FsckReport, Progress
from tlog.storage.log_store import LogStore
from tlog.storage.tile_store import TileStore


def check_objects(store: LogStore, tiles: TileStore, report: FsckReport, progress: Progress) -> None:
    """Recompute every tile from the stored bundles and compare each with what is stored."""
    state = store.state()
    builder = TreeBuilder()
    for ref in bundles_of(state.integrated_size):
        try:
            leaves = parse_bundle(tiles.get(ref), ref.width)
        except TlogError as error:
            report.problem(f"{ref.path()}: {error}; the tiles after it were not checked")
            return
        report.bundles += 1
        _compare(tiles, builder.extend([leaf_hash(leaf) for leaf in leaves]), report)
        progress("tiles", builder.size, state.integrated_size)
        _compare_older(tiles, ref, partial(_first_entries, leaves), report)
    edge = builder.partial_tiles()
    _compare(tiles, edge, report)
    for tile in edge:
        ref = TileRef(tile.level, tile.index)
        _compare_older(tiles, ref, partial(_first_hashes, tile.hashes), report)
    if builder.root() != state.integrated_root:
        report.problem(f"the stored bundles do not hash to the root recorded for {state.integrated_size} leaves")


def _compare(tiles: TileStore, computed: Iterable[TileData], report: FsckReport) -> None:
    for tile in computed:
        ref = TileRef(tile.level, tile.index, tile.width)
        try:
            if tiles.get(ref) != tile.hashes:
                report.problem(f"{ref.path()} is not what its bundles hash to")
        except TlogError as error:
            report.problem(f"{ref.path()}: {error}")
        report.tiles += 1


def _first_entries(leaves: list[bytes], width: int) -> bytes:
    return encode_bundle(leaves[:width])


def _first_hashes(hashes: bytes, width: int) -> bytes:
    return hashes[: width * HASH_BYTES]


def _compare_older(tiles: TileStore, ref: TileRef, prefix: Callable[[int], bytes], report: FsckReport) -> None:
    """Compare the narrower partial tiles that former checkpoints needed: each is a prefix of today's."""
    for width in tiles.partial_widths(ref):
        older = TileRef(ref.level, ref.index, width)
        if tiles.get(older) != prefix(width):
            report.problem(f"{older.path()} is not what its bundles hash to")

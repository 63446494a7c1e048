from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.merkle import oracle
from tests.merkle.tiles import LARGE, Tiles, build, large
from tlog.errors import NotFound, TileInvalid
from tlog.formats.tile import encode_bundle
from tlog.merkle.hashing import EMPTY_ROOT, leaf_hash
from tlog.merkle.prove import inclusion_proof
from tlog.merkle.reader import VerifiedTileSource
from tlog.merkle.tree import TileTree


@cache
def root() -> bytes:
    return oracle.mth(large()[1])


def reader(source: Tiles, capacity: int = 1024) -> VerifiedTileSource:
    return VerifiedTileSource(source, LARGE, root(), capacity)


def test_every_tile_of_the_tree_is_handed_out_as_stored() -> None:
    tiles, _ = large()
    for capacity in (1024, 2, 0):
        source = reader(tiles, capacity)
        for (level, index, width), data in tiles.stored.items():
            assert source.tile(level, index, width) == data
        assert len(source._full) <= capacity


def test_a_tile_is_fetched_and_hashed_once() -> None:
    tiles, _ = large()
    tiles.reads.clear()
    source = reader(tiles)
    for _ in range(3):
        source.tile(0, 300, 256)
    # The three partial tiles; then tile 0/300 under the full tile 1/1, which is under the edge.
    assert sorted(tiles.reads) == [(0, 300, 256), (0, 515, 77), (1, 1, 256), (1, 2, 3), (2, 0, 2)]


def damaged(name: tuple[int, int, int], data: bytes) -> VerifiedTileSource:
    source = Tiles()
    source.stored = {**large()[0].stored, name: data}
    return reader(source)


NAMES = [
    (0, 0, 256),
    (0, 511, 256),
    (0, 514, 256),
    (0, 515, 77),
    (1, 0, 256),
    (1, 1, 256),
    (1, 2, 3),
    (2, 0, 2),
]


@pytest.mark.parametrize("name", NAMES)
def test_any_changed_byte_of_a_tile_is_refused(name: tuple[int, int, int]) -> None:
    data = large()[0].stored[name]
    step = 1 if len(data) < 1000 else 33  # of a full tile, another byte of each hash
    for at in range(0, len(data), step):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        with pytest.raises(TileInvalid):
            damaged(name, bytes(changed)).tile(*name)
    for cut in (b"", data[:-1], data[:-32], data[32:]):
        with pytest.raises(TileInvalid):
            damaged(name, cut).tile(*name)


def test_tiles_swapped_with_each_other_are_refused() -> None:
    stored = large()[0].stored
    with pytest.raises(TileInvalid):
        damaged((0, 0, 256), stored[0, 1, 256]).tile(0, 0, 256)
    with pytest.raises(TileInvalid):
        damaged((0, 0, 256), stored[1, 0, 256]).tile(0, 0, 256)


def test_a_changed_parent_spoils_the_tiles_below_it() -> None:
    stored = large()[0].stored
    for parent in ((1, 1, 256), (1, 2, 3), (2, 0, 2)):
        with pytest.raises(TileInvalid):
            damaged(parent, stored[parent][::-1]).tile(0, 300, 256)


def test_a_refused_tile_stays_refused() -> None:
    source = damaged((0, 7, 256), bytes(8192))
    for _ in range(2):
        with pytest.raises(TileInvalid):
            source.tile(0, 7, 256)
    assert source.tile(0, 8, 256) == large()[0].stored[0, 8, 256]


def test_another_root_or_size() -> None:
    tiles, d = large()
    with pytest.raises(TileInvalid, match="right edge"):
        VerifiedTileSource(tiles, LARGE, oracle.mth(d[:-1])).check_root()
    with pytest.raises(TileInvalid, match="right edge"):
        VerifiedTileSource(tiles, LARGE - 77, root()).check_root()
    reader(tiles).check_root()


def test_the_empty_tree() -> None:
    VerifiedTileSource(Tiles(), 0, EMPTY_ROOT).check_root()
    with pytest.raises(TileInvalid):
        VerifiedTileSource(Tiles(), 0, root()).check_root()
    with pytest.raises(NotFound):
        VerifiedTileSource(Tiles(), 0, EMPTY_ROOT).tile(0, 0, 1)


@pytest.mark.parametrize("name", [(0, 515, 78), (0, 516, 1), (1, 3, 1), (3, 0, 1), (-1, 0, 1), (0, -1, 1)])
def test_tiles_outside_the_tree(name: tuple[int, int, int]) -> None:
    with pytest.raises(NotFound):
        reader(large()[0]).tile(*name)


def test_a_missing_tile_is_the_sources_error() -> None:
    source = Tiles()
    source.stored = {name: data for name, data in large()[0].stored.items() if name != (0, 5, 256)}
    with pytest.raises(NotFound):
        reader(source).tile(0, 5, 256)


def test_full_tiles_serve_where_the_partial_ones_are_gone() -> None:
    d = oracle.leaves(600)
    tiles, _ = build(d)
    tiles.stored[1, 0, 256] = tiles.stored.pop((1, 0, 2)).ljust(8192, b"\x00")  # what is beyond does not count
    source = VerifiedTileSource(tiles, 300, oracle.mth(d[:300]))
    assert source.tile(0, 1, 44) == b"".join(d[256:300])
    assert source.tile(1, 0, 1) == oracle.mth(d[:256])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, LARGE - 1))
def test_a_tree_over_verified_tiles_proves_the_same(index: int) -> None:
    tiles, _ = large()
    want = inclusion_proof(TileTree(tiles, LARGE), index, LARGE)
    assert inclusion_proof(TileTree(reader(tiles), LARGE), index, LARGE) == want


ENTRIES = [b"entry %d" % i * (i % 3) for i in range(300)]


@cache
def entry_log() -> VerifiedTileSource:
    hashes = [leaf_hash(entry) for entry in ENTRIES]
    return VerifiedTileSource(build(hashes)[0], 300, oracle.mth(hashes))


def test_bundles_give_their_entries() -> None:
    assert entry_log().verified_bundle(0, encode_bundle(ENTRIES[:256])) == ENTRIES[:256]
    assert entry_log().verified_bundle(1, encode_bundle(ENTRIES[256:])) == ENTRIES[256:]
    with pytest.raises(NotFound):
        entry_log().verified_bundle(2, b"")


@pytest.mark.parametrize("index", [0, 1])
def test_any_changed_byte_of_a_bundle_is_refused(index: int) -> None:
    data = encode_bundle(ENTRIES[256 * index :][:256])
    for at in range(len(data)):
        bad = [data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :], data[:at] + data[at + 1 :]]
        bad += [data[:at] + b"\x00" + data[at:], data[:at]]
        for changed in bad:
            with pytest.raises(TileInvalid):
                entry_log().verified_bundle(index, changed)
    for changed in (data + b"\x00", data + b"\x00\x00", data + data[:100]):
        with pytest.raises(TileInvalid):
            entry_log().verified_bundle(index, changed)


def test_a_full_bundle_serves_a_partial_one_and_no_more() -> None:
    later = [b"later %d" % i for i in range(212)]
    assert entry_log().verified_bundle(1, encode_bundle(ENTRIES[256:] + later)) == ENTRIES[256:]
    for wrong in (encode_bundle(later + ENTRIES[256:]), encode_bundle(ENTRIES[256:] + later[:-1])):
        with pytest.raises(TileInvalid):
            entry_log().verified_bundle(1, wrong)


def test_the_wrong_entry_is_named() -> None:
    wrong = [*ENTRIES[256:299], b"changed"]
    with pytest.raises(TileInvalid, match="entry 299"):
        entry_log().verified_bundle(1, encode_bundle(wrong))

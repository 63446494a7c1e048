from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import mangled, require_refusal_or_identity, text_parser
from tests.formats.material import hashes
from tlog.errors import MalformedTile
from tlog.formats.tile import (
    TileRef,
    bundles_of,
    encode_bundle,
    encode_tile,
    parse_bundle,
    parse_tile,
    parse_tile_path,
    partial_width,
    tiles_of,
)

refs = st.builds(
    TileRef, level=st.none() | st.integers(0, 63), index=st.integers(0, 2**63 - 1), width=st.integers(1, 256)
)
entries = st.lists(st.binary(max_size=40), min_size=1, max_size=256)
VECTORS = Path(__file__).parent / "vectors" / "tile-paths.json"


@given(refs)
def test_path_round_trip(ref: TileRef) -> None:
    assert parse_tile_path(ref.path()) == ref


def test_frozen_paths() -> None:
    vectors = json.loads(VECTORS.read_text())
    for path, level, index, width in vectors["valid"]:
        assert parse_tile_path(path) == TileRef(level, index, width)
        assert TileRef(level, index, width).path() == path
    for path in vectors["invalid"]:
        with pytest.raises(MalformedTile):
            parse_tile_path(path)


@pytest.mark.parametrize("path", ["tile/0/x001/x234/067", "tile/entries/x001/067.p/5", "tile/63/000.p/255"])
def test_every_mangled_path_is_refused_or_reads_as_it_stands(path: str) -> None:
    refused = require_refusal_or_identity(
        path.encode(), text_parser(parse_tile_path), lambda ref: ref.path().encode(), MalformedTile
    )
    assert refused > 300


@given(st.text(max_size=30), st.sampled_from(["", "tile/0/", "tile/entries/", "tile/0/000.p/", "tile/"]))
def test_any_path_parses_or_is_refused(rest: str, start: str) -> None:
    try:
        assert parse_tile_path(start + rest).path() == start + rest
    except MalformedTile:
        return


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**63, 1), (0, 0, 0), (None, 0, 257)]
)
def test_a_bad_reference_cannot_be_made(level: int | None, index: int, width: int) -> None:
    with pytest.raises(MalformedTile):
        TileRef(level, index, width)


def test_the_70000_leaves_of_the_specification() -> None:
    tiles = list(tiles_of(70_000))
    by_level = {level: [t for t in tiles if t.level == level] for level in range(4)}
    assert [len(by_level[level]) for level in range(4)] == [274, 2, 1, 0]
    assert by_level[0][-1] == TileRef(0, 273, 112)
    assert by_level[1] == [TileRef(1, 0), TileRef(1, 1, 17)]
    assert by_level[2] == [TileRef(2, 0, 1)]


def test_the_256_leaves_of_the_specification() -> None:
    assert list(tiles_of(256)) == [TileRef(0, 0), TileRef(1, 0, 1)]
    assert list(bundles_of(256)) == [TileRef(None, 0)]


def test_small_trees() -> None:
    assert list(tiles_of(0)) == list(bundles_of(0)) == []
    assert list(tiles_of(1)) == [TileRef(0, 0, 1)]
    assert list(bundles_of(257)) == [TileRef(None, 0), TileRef(None, 1, 1)]


@given(st.integers(0, 200_000))
def test_tiles_hold_every_hash_once_and_no_tile_is_empty(size: int) -> None:
    levels: dict[int, int] = {}
    for tile in tiles_of(size):
        assert tile.level is not None
        assert tile.index * 256 == levels.get(tile.level, 0)  # in order, without a gap
        levels[tile.level] = tile.index * 256 + tile.width
    expected = {level: size // 256**level for level in range(8) if size // 256**level}
    assert levels == expected
    assert sum(bundle.width for bundle in bundles_of(size)) == size


@given(st.integers(0, 2**63 - 1), st.integers(0, 63))
def test_partial_width_is_the_formula_of_the_specification(size: int, level: int) -> None:
    assert partial_width(level, size) == size // 256**level % 256


@given(st.lists(hashes, min_size=1, max_size=256))
def test_tile_round_trip(values: list[bytes]) -> None:
    assert parse_tile(encode_tile(values), len(values)) == values


def test_a_tile_of_another_length_is_refused() -> None:
    data = encode_tile([bytes(32)] * 3)
    for broken in (b"", data[:-1], data + b"\0", data[32:], data + bytes(32)):
        with pytest.raises(MalformedTile, match="where 3 hashes"):
            parse_tile(broken, 3)
    for broken in mangled(data):
        if len(broken) == len(data):
            assert b"".join(parse_tile(broken, 3)) == broken
        else:
            with pytest.raises(MalformedTile):
                parse_tile(broken, 3)


@given(entries)
def test_bundle_round_trip(values: list[bytes]) -> None:
    assert parse_bundle(encode_bundle(values), len(values)) == values


def test_the_layout_of_a_bundle() -> None:
    assert encode_bundle([b"ab", b"", b"c" * 258]) == b"\0\2ab\0\0\1\2" + b"c" * 258


def test_every_mangled_bundle_is_refused_or_reads_as_it_stands() -> None:
    data = encode_bundle([b"first", b"", b"third entry", bytes(32)])
    refused = require_refusal_or_identity(data, lambda d: parse_bundle(d, 4), encode_bundle, MalformedTile)
    assert refused > 300


@given(st.binary(max_size=200), st.integers(1, 256))
def test_any_bundle_parses_or_is_refused(data: bytes, width: int) -> None:
    try:
        values = parse_bundle(data, width)
    except MalformedTile:
        return
    assert len(values) == width
    assert encode_bundle(values) == data


@pytest.mark.parametrize(
    ("data", "width"),
    [
        (b"", 1),
        (b"\0", 1),
        (b"\0\1", 1),
        (b"\0\0", 2),
        (b"\0\0\0\0", 1),
        (b"\0\0\0", 1),
        (b"\xff\xff" + bytes(65534), 1),
    ],
)
def test_what_is_no_bundle(data: bytes, width: int) -> None:
    with pytest.raises(MalformedTile):
        parse_bundle(data, width)


def test_the_largest_entry() -> None:
    assert parse_bundle(encode_bundle([bytes(65535)]), 1) == [bytes(65535)]
    with pytest.raises(ValueError, match="at most 65535 bytes"):
        encode_bundle([bytes(65536)])


def test_misuse_by_the_program_is_a_value_error() -> None:
    for width in (0, 257):
        with pytest.raises(ValueError, match="1 to 256"):
            parse_tile(b"", width)
        with pytest.raises(ValueError, match="1 to 256"):
            parse_bundle(b"", width)
        with pytest.raises(ValueError, match="1 to 256"):
            encode_tile([bytes(32)] * width)
        with pytest.raises(ValueError, match="1 to 256"):
            encode_bundle([b""] * width)
    with pytest.raises(ValueError, match="32 bytes"):
        encode_tile([bytes(31)])


def test_is_partial() -> None:
    assert TileRef(0, 0, 255).is_partial
    assert not TileRef(0, 0).is_partial

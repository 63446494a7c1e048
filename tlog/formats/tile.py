"""Tiles and entry bundles: a Merkle tree as static files (https://c2sp.org/tlog-tiles).

Definition: a hash tile holds up to 256 neighbouring hashes of one level; the hash of a full tile is one hash
of the level above. With n the tile's index, l its level and i from 0 to 255, hash i is

    MTH(D[(n·256 + i)·256^l : (n·256 + i + 1)·256^l])

An entry bundle holds the entries whose leaf hashes are in the level 0 tile of the same index.

Grammar:

    path    = "tile/" ( level / "entries" ) "/" index [ ".p/" width ]
    level   = 0 to 63, no leading zero
    index   = *( "x" 3DIGIT "/" ) 3DIGIT, as few groups as possible
    width   = 1 to 255, no leading zero; only of a partial tile
    tile    = width · 32 bytes
    bundle  = width · ( uint16 length, big-endian || entry )

Rules: at size s, level l has a partial tile of floor(s / 256^l) mod 256 hashes, none if that is 0; a partial
tile is never hashed into the level above. One resource has one path.

Example: a tree of 70,000 leaves has 273 full tiles and one of width 112 at level 0 (`tile/0/273.p/112`), one
full and one of width 17 at level 1, one of width 1 at level 2. Index 1234067 is `x001/x234/067`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tlog.errors import MalformedTile
from tlog.formats.encoding import HASH_BYTES, check_size, shown

TILE_WIDTH: Final = 256
MAX_LEVEL: Final = 63
MAX_ENTRY_BYTES: Final = (1 << 16) - 1  # a bundle's length prefix has two bytes

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class TileRef:
    """Names a tile: `level` 0 to 63, None for an entry bundle; `index` from 0; `width` 1 to 256."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        check_size(self.index, MalformedTile, "tile index")
        if self.level is not None and not 0 <= self.level <= MAX_LEVEL:
            raise MalformedTile(f"tile level: {self.level} is not within 0 and {MAX_LEVEL}")
        if not 1 <= self.width <= TILE_WIDTH:
            raise MalformedTile(f"tile width: {self.width} is not within 1 and {TILE_WIDTH}")

    @property
    def is_partial(self) -> bool:
        """Whether the tile has fewer than 256 hashes or entries."""
        return self.width < TILE_WIDTH

    def path(self) -> str:
        """Return the resource's path below the log's prefix, without a leading slash."""
        level = "entries" if self.level is None else str(self.level)
        suffix = f".p/{self.width}" if self.is_partial else ""
        return f"tile/{level}/{_index_path(self.index)}{suffix}"


def _index_path(index: int) -> str:
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    return path


def parse_tile_path(path: str) -> TileRef:
    """Return what `path` (no leading slash) names. MalformedTile for any spelling but the canonical one."""
    found = _PATH.fullmatch(path)
    if not found:
        raise MalformedTile(f"tile path {shown(path)}: not tile/<level or entries>/<index>[.p/<width>]")
    level, index, width = found.groups()
    ref = TileRef(
        None if level == "entries" else int(level),
        int(index.replace("x", "").replace("/", "")),
        int(width) if width else TILE_WIDTH,
    )
    if ref.path() != path:
        raise MalformedTile(f"tile path {shown(path)}: the canonical path is {ref.path()}")
    return ref


def partial_width(level: int, size: int) -> int:
    """Return floor(size / 256^level) mod 256: the width of a level's partial tile, 0 if there is none."""
    return (size >> (8 * level)) % TILE_WIDTH


def tiles_of(size: int) -> Iterator[TileRef]:
    """Yield every hash tile of a tree of `size` leaves: lowest level first, by index, partial ones last."""
    for level in range(MAX_LEVEL + 1):
        hashes = size >> (8 * level)
        if not hashes:
            return
        yield from _row(level, hashes)


def bundles_of(size: int) -> Iterator[TileRef]:
    """Yield every entry bundle of a tree of `size` leaves, by index, the partial one last."""
    return _row(None, size)


def _row(level: int | None, count: int) -> Iterator[TileRef]:
    full, width = divmod(count, TILE_WIDTH)
    for index in range(full):
        yield TileRef(level, index)
    if width:
        yield TileRef(level, full, width)


def encode_tile(hashes: Iterable[bytes]) -> bytes:
    """Return a tile of 1 to 256 hashes of 32 bytes. ValueError for anything else."""
    parts = list(hashes)
    _check_width(len(parts))
    if any(len(part) != HASH_BYTES for part in parts):
        raise ValueError(f"a tile's hashes have {HASH_BYTES} bytes each")
    return b"".join(parts)


def parse_tile(data: bytes, width: int) -> list[bytes]:
    """Return the `width` hashes (1 to 256) of a tile. Raises MalformedTile for another length."""
    _check_width(width)
    if len(data) != width * HASH_BYTES:
        raise MalformedTile(f"tile: {len(data)} bytes where {width} hashes of {HASH_BYTES} bytes belong")
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Return a bundle of 1 to 256 entries of at most 65,535 bytes. ValueError for anything else."""
    parts = list(entries)
    _check_width(len(parts))
    if any(len(part) > MAX_ENTRY_BYTES for part in parts):
        raise ValueError(f"a bundle's entries have at most {MAX_ENTRY_BYTES} bytes each")
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the `width` entries (1 to 256) of a bundle, exactly as many. Raises MalformedTile."""
    _check_width(width)
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
        if at > len(data) or len(entries) > width:
            raise MalformedTile(f"entry bundle: entry {len(entries) - 1} is cut off, or beyond {width} entries")
    if len(entries) != width:
        raise MalformedTile(f"entry bundle: {len(entries)} entries where {width} belong")
    return entries


def _check_width(width: int) -> None:
    if not 1 <= width <= TILE_WIDTH:
        raise ValueError(f"a tile has 1 to {TILE_WIDTH} hashes or entries, not {width}")

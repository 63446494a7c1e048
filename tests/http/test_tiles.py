from __future__ import annotations

import asyncio
import gzip

import pytest

from tests.http.service import Service
from tlog.errors import MalformedTile
from tlog.formats.tile import TileRef, bundles_of, parse_bundle, parse_tile, parse_tile_path, tiles_of
from tlog.http.tiles import ByteCache, accepts_gzip
from tlog.merkle.hashing import leaf_hash

SIZE = 300
FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def service(raw_service: Service) -> Service:
    """A plain log: what is public is the same, whoever seals the leaves."""
    return raw_service


def leaf(index: int) -> bytes:
    return index.to_bytes(32)


async def fill(service: Service) -> None:
    indices = await asyncio.gather(*(service.made.log.leaves.append(leaf(i)) for i in range(SIZE)))
    assert indices == list(range(SIZE))
    await service.published(SIZE)


async def test_every_tile_and_bundle_of_the_tree(service: Service) -> None:
    await fill(service)
    for ref in [*tiles_of(SIZE), *bundles_of(SIZE)]:
        answer = await service.get(f"/{ref.path()}")
        assert answer.status == 200, ref
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Cache-Control"] == FOR_EVER
        assert "Content-Encoding" not in answer.headers
        start, expected = ref.index * 256, range(ref.index * 256, ref.index * 256 + ref.width)
        if ref.level == 0:
            assert parse_tile(answer.body, ref.width) == [leaf_hash(leaf(i)) for i in expected]
        elif ref.level is None:
            assert parse_bundle(answer.body, ref.width) == [leaf(i) for i in expected], start


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/entries/001.p/44"])
async def test_bundles_are_compressed_where_asked(service: Service, path: str) -> None:
    await fill(service)
    plain = await service.get(f"/{path}")
    for _ in range(2):  # the second full one comes from memory
        packed = await service.get(f"/{path}", Accept_Encoding="br, gzip;q=0.5")
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    refused = await service.get(f"/{path}", Accept_Encoding="gzip;q=0")
    assert refused.body == plain.body
    head = await service.ask("HEAD", f"/{path}")
    assert (head.body, head.headers["Content-Length"]) == (b"", str(len(plain.body)))


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("identity, gzip", True),
        ("gzip; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0", False),
        ("gzip;q=x", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("br,deflate", False),
        (",,;;=", False),
    ],
)
def test_accept_encoding(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def test_the_memory_of_compressed_bundles_is_bounded() -> None:
    cache = ByteCache(100)
    for index in range(10):
        cache.put(TileRef(None, index), bytes(30))
        assert cache.get(TileRef(None, 0)) is not None or index > 2
    assert cache.held_bytes == 90
    assert [index for index in range(10) if cache.get(TileRef(None, index))] == [0, 8, 9]
    cache.put(TileRef(None, 9), bytes(31))
    assert cache.held_bytes == 91
    cache.put(TileRef(None, 20), bytes(101))
    assert (cache.held_bytes, cache.get(TileRef(None, 20))) == (0, None)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/0/001.p/255",
        "tile/1/000",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/63/000.p/1",
        "tile/entries/001",
        "tile/entries/002.p/1",
        "tile/entries/x999/999",
    ],
)
async def test_tiles_beyond_the_tree(service: Service, path: str) -> None:
    await fill(service)
    answer = await service.get(f"/{path}")
    assert (answer.status, answer.slug) == (404, "not-found")


async def test_what_a_crash_left_in_the_store_is_not_served(service: Service) -> None:
    await fill(service)
    ref = TileRef(0, 1, 45)
    service.made.parts.tiles.put_many([(ref, bytes(45 * 32))])
    assert (await service.get(f"/{ref.path()}")).slug == "not-found"


def mangled(path: str) -> set[str]:
    """Every spelling one edit away, of characters that a request line can hold."""
    found = set()
    for at in range(len(path) + 1):
        found.add(path[:at] + path[at + 1 :])
        for character in "0159xp./%a-":
            found |= {path[:at] + character + path[at:], path[:at] + character + path[at + 1 :]}
    return {edited for edited in found if edited.startswith("tile/") and edited != path}


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/entries/001.p/44"])
async def test_mangled_paths(service: Service, path: str) -> None:
    await fill(service)
    seen = set()
    for edited in sorted(mangled(path)):
        answer = await service.get(f"/{edited}")
        seen.add(answer.status)
        try:
            ref = parse_tile_path(edited)
        except MalformedTile:
            assert answer.slug in {"no-such-tile", "no-such-route"}, edited
            assert answer.status == 404
        else:
            assert answer.status in {200, 404}, edited
            assert answer.status == 404 or parse_tile(answer.body, ref.width), edited
    assert 404 in seen


@pytest.mark.parametrize(
    "path",
    [
        "/tile/0/%30%30%30",
        "/tile/0/./000",
        "/tile/../tile/0/000",
        "/tile/0//000",
        "/tile/0/000/",
        "/tile/00/000",
        "/tile/0/000?",
    ],
)
async def test_other_spellings_of_a_path(service: Service, path: str) -> None:
    await fill(service)
    said = await service.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert said.startswith(b"HTTP/1.1 404 " if path != "/tile/0/000?" else b"HTTP/1.1 200 "), said[:300]
    assert (await service.get("/tile/0/000?x=1")).slug == "bad-parameter"

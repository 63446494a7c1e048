"""Tiles and entry bundles, for anybody (https://c2sp.org/tlog-tiles).

    GET /tile/<level>/<index>[.p/<width>]        hashes
    GET /tile/entries/<index>[.p/<width>]        entries, gzip-coded where the client accepts that

Rules:

* One resource has one path: the path as sent, before any decoding, is parsed strictly.
* Only what the integrated tree has is served, even if the store holds more: a crash may have left tiles of
  leaves whose state never became durable.
* What is found is immutable; what is not is never cached, because it may come to be.
"""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from typing import Final

from aiohttp import web

from tlog.errors import MalformedTile, NotFound
from tlog.formats.tile import TileRef, parse_tile_path
from tlog.http.proofs import FOR_EVER
from tlog.http.query import parse_query
from tlog.http.running import publisher_of
from tlog.merkle.edge import tile_width
from tlog.service.log import Log

CACHED_BYTES: Final = 4 << 20


class TileRoutes:
    """The handler over one log. Keeps the compressed form of the full bundles last asked for."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._compressed = ByteCache(CACHED_BYTES)

    async def tile(self, request: web.Request) -> web.Response:
        """Answer `GET /tile/…`."""
        parse_query(request)
        ref = _tile_of(request)
        integrated = publisher_of(self._log).integrated.size
        if tile_width(integrated, ref.level or 0, ref.index) < ref.width:
            raise NotFound(f"{ref.path()} is beyond the {integrated} leaves integrated so far")
        headers = {"Cache-Control": FOR_EVER}
        if ref.level is None:
            headers["Vary"] = "Accept-Encoding"
            if accepts_gzip(request.headers.get("Accept-Encoding", "")):
                headers["Content-Encoding"] = "gzip"
                body = await self._gzipped(ref)
                return web.Response(body=body, content_type="application/octet-stream", headers=headers)
        body = await asyncio.to_thread(self._log.tiles.get, ref)
        return web.Response(body=body, content_type="application/octet-stream", headers=headers)

    async def _gzipped(self, ref: TileRef) -> bytes:
        body = self._compressed.get(ref)
        if body is None:
            body = await asyncio.to_thread(lambda: gzip.compress(self._log.tiles.get(ref), 6, mtime=0))
            if not ref.is_partial:
                self._compressed.put(ref, body)
        return body


def _tile_of(request: web.Request) -> TileRef:
    try:
        return parse_tile_path(request.rel_url.raw_path.removeprefix("/"))
    except MalformedTile:  # its message quotes the path
        raise MalformedTile(
            "the path of a tile is /tile/<level or entries>/<index>[.p/<width>] in its canonical spelling"
        ) from None


class ByteCache:
    """The values last used, at most `max_bytes` of them. Belongs to one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[TileRef, bytes] = OrderedDict()
        self.held_bytes = 0

    def get(self, ref: TileRef) -> bytes | None:
        """Return a value, which is now the last used one."""
        value = self._values.get(ref)
        if value is not None:
            self._values.move_to_end(ref)
        return value

    def put(self, ref: TileRef, value: bytes) -> None:
        """Keep a value, and forget those unused for longest where it takes their place."""
        self.held_bytes += len(value) - len(self._values.pop(ref, b""))
        self._values[ref] = value
        while self.held_bytes > self._max_bytes:
            self.held_bytes -= len(self._values.popitem(last=False)[1])


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header (RFC 9110 section 12.5.3) allows gzip."""
    weights = dict(_coding(item) for item in header.lower().split(",") if item.strip())
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _coding(item: str) -> tuple[str, float]:
    coding, _, parameter = item.partition(";")
    name, _, weight = parameter.strip().partition("=")
    if name.strip() != "q":
        return coding.strip(), 1.0
    try:
        return coding.strip(), float(weight)
    except ValueError:
        return coding.strip(), 0.0

"""Style sheets, scripts and pictures: read once at the start, served under one hash of all of them.

    /ui/static/3f9c1a2b4d5e/pages.css

The address changes when any file does, so it may be cached for ever, and scripts find each other by relative paths.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web

from tlog.errors import NotFound
from web.headers import STATIC_HEADERS

PREFIX: Final = "/ui/static"
_TYPES: Final = {
    "css": "text/css",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "svg": "image/svg+xml",
    "json": "application/json",
    "wasm": "application/wasm",
}


class StaticFiles:
    """The files of `web/static` whose type is known."""

    def __init__(self) -> None:
        self._files = dict(_read(files("web").joinpath("static"), ""))
        digest = sha256()
        for path, data in sorted(self._files.items()):
            digest.update(b"%d %b %d " % (len(path), path.encode(), len(data)) + data)
        self.version = digest.hexdigest()[:12]

    def url(self, path: str) -> str:
        """Return the address of a file. ValueError if there is none."""
        if path not in self._files:
            raise ValueError(f"web/static has no {path}")
        return f"{PREFIX}/{self.version}/{path}"

    async def serve(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/static/{version}/{path}`."""
        path = request.match_info["path"]
        data = self._files.get(path)
        if data is None or request.match_info["version"] != self.version:
            raise NotFound("no such file")
        kind = _TYPES[path.rpartition(".")[2]]
        charset = "utf-8" if kind.startswith("text/") else None
        return web.Response(body=data, content_type=kind, charset=charset, headers=STATIC_HEADERS)


def _read(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _read(item, f"{prefix}{item.name}/")
        elif item.name.rpartition(".")[2] in _TYPES:
            found.append((prefix + item.name, item.read_bytes()))
    return found

"""Answers that send a browser on after a form did something: a reload does not do it again."""

from __future__ import annotations

from aiohttp import web


def see(path: str) -> web.Response:
    """Return the answer that sends a browser on to a page of this log."""
    return web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})

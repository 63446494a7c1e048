"""A body that a page made of its form: handlers take it in place of the request's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from tlog.audit.entry import JSON

GIVEN_BODY: Final = web.RequestKey("given_body", bytes)


@contextmanager
def giving(request: web.Request, body: bytes | None) -> Iterator[None]:
    """Let a JSON text stand for the request's body for the length of a block; None changes nothing."""
    if body is not None:
        request[GIVEN_BODY] = body
    try:
        yield
    finally:
        request.pop(GIVEN_BODY, None)


def given_body(request: web.Request) -> bytes | None:
    """Return the JSON text that stands for the request's body; None where the client sent its own."""
    return request.get(GIVEN_BODY)


def sends_json(request: web.Request) -> bool:
    """Tell whether the body is JSON by its media type."""
    sent = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return given_body(request) is not None or sent == JSON

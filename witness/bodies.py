"""The memory of request bodies: counted as their bytes arrive, from before the queue until the answer.

Anyone may send to a witness, so nobody has a share; what does not fit is refused at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tlog.errors import Overloaded, TooLarge
from tlog.formats.add_checkpoint import MAX_REQUEST_BYTES

MAX_BODIES_BYTES = 64 << 20


class BodyBudget:
    """The bytes that all bodies may hold together. Belongs to one event loop."""

    def __init__(self) -> None:
        self.held_bytes = 0

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """Return a context in which one body is received and held."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            self.held_bytes -= lease.size

    def take(self, size: int) -> None:
        """Hold `size` bytes more. Raises `Overloaded`."""
        if self.held_bytes + size > MAX_BODIES_BYTES:
            raise Overloaded("too many requests are being sent; nothing was signed")
        self.held_bytes += size


class Lease:
    """One body so far, `size` bytes."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self.size = 0

    async def read(self, request: web.Request) -> bytes:
        """Return the request's body. Raises `TooLarge`, `Overloaded`."""
        chunks = []
        while chunk := await request.content.readany():
            if self.size + len(chunk) > MAX_REQUEST_BYTES:
                raise TooLarge(f"a request may have {MAX_REQUEST_BYTES} bytes")
            self._budget.take(len(chunk))
            self.size += len(chunk)
            chunks.append(chunk)
        return b"".join(chunks)

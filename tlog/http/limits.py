"""What a client may cost: body sizes, the memory of all bodies at once, and patience with slow ones.

Invariants of `BodyBudget`:

* The bodies held in memory have at most `MAX_BODIES_BYTES` together. A body takes its share before it is
  read, by its Content-Length; one sent in chunks without a length, chunk by chunk. What does not fit is
  refused at once, never queued.
* One client (a token's name) holds at most half of that, so no source can shut out the others.
* A share is given back when the `Lease` ends, however it ends.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final

from aiohttp import web

from tlog.errors import Overloaded, TooLarge, TooManyRequests
from tlog.http.errors import BadBody, BodyTimeout, UnsupportedMedia
from tlog.http.given_body import given_body

MAX_ENTRIES_BODY_BYTES: Final = 8 << 20
MAX_LEAF_BODY_BYTES: Final = (1 << 16) - 1
MAX_BODIES_BYTES: Final = 32 << 20


class BodyBudget:
    """The memory that request bodies may take together. Belongs to one event loop."""

    def __init__(self, max_bytes: int = MAX_BODIES_BYTES, idle_seconds: float = 10, total_seconds: float = 60) -> None:
        """A client that sends nothing for `idle_seconds`, or is not done after `total_seconds`, is refused."""
        self._max_bytes = max_bytes
        self._idle_seconds = idle_seconds
        self._total_seconds = total_seconds
        self._by_client: dict[str, int] = {}
        self.held_bytes = 0

    def lease(self, client: str) -> Lease:
        """Return a context in which one body of this client is read and held."""
        return Lease(self, client)

    def take(self, client: str, size: int) -> None:
        """Add `size` bytes to a client's share. Raises `Overloaded`, `TooManyRequests`."""
        share = self._by_client.get(client, 0) + size
        if self.held_bytes + size > self._max_bytes:
            raise Overloaded(
                f"the uploads under way fill the {self._max_bytes} bytes kept for them; nothing was stored"
            )
        if share > self._max_bytes // 2:
            raise TooManyRequests(
                f"the uploads of {client} under way fill its share of {self._max_bytes // 2} bytes; nothing was stored"
            )
        self._by_client[client] = share
        self.held_bytes += size

    def give_back(self, client: str, size: int) -> None:
        """End a share that `take` began."""
        left = self._by_client.get(client, 0) - size
        if left > 0:
            self._by_client[client] = left
        else:
            self._by_client.pop(client, None)
        self.held_bytes -= size

    async def receive(self, request: web.Request, lease: Lease, limit: int) -> bytes:
        """Read a body of at most `limit` bytes under `lease`."""
        received = _Received(lease, limit)
        try:
            if request.content.is_eof():  # Small bodies come with their headers: no timer, no waiting.
                received.add(request.content.read_nowait())
            else:
                await self._collect(request, received)
        except TimeoutError:
            raise BodyTimeout(
                f"the body stalled after {received.size} bytes; a client may pause for {self._idle_seconds:g} "
                f"seconds and take {self._total_seconds:g} in all. Nothing was stored"
            ) from None
        except (web.RequestPayloadError, ConnectionError):
            raise BadBody(f"the body broke off or is wrongly coded after {received.size} bytes") from None
        return received.body()

    async def _collect(self, request: web.Request, received: _Received) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._total_seconds
        async with asyncio.timeout(self._idle_seconds) as patience:
            while chunk := await request.content.readany():
                received.add(chunk)
                patience.reschedule(min(loop.time() + self._idle_seconds, end))


class _Received:
    """The chunks of one body so far, each paid for."""

    __slots__ = ("_chunks", "_lease", "_limit", "size")

    def __init__(self, lease: Lease, limit: int) -> None:
        self._lease = lease
        self._limit = limit
        self._chunks: list[bytes] = []
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._limit:
            raise _too_large(self._limit)
        self._lease.grow_to(self.size)
        self._chunks.append(chunk)

    def body(self) -> bytes:
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)


class Lease:
    """A share of the budget for one body, given back at the end of the block."""

    __slots__ = ("_budget", "_client", "_held")

    def __init__(self, budget: BodyBudget, client: str) -> None:
        self._budget = budget
        self._client = client
        self._held = 0

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.give_back(self._client, self._held)

    def grow_to(self, size: int) -> None:
        """Hold `size` bytes in all, if it holds fewer. Raises `Overloaded`, `TooManyRequests`."""
        if size > self._held:
            self._budget.take(self._client, size - self._held)
            self._held = size

    async def read(self, request: web.Request, limit: int) -> bytes:
        """Return the request's body, at most `limit` bytes.

        Raises `TooLarge`, `Overloaded`, `TooManyRequests`, `BodyTimeout`, `BadBody`, `UnsupportedMedia`.
        """
        given = given_body(request)
        if given is not None:
            if len(given) > limit:
                raise _too_large(limit)
            self.grow_to(len(given))
            return given
        coding = request.headers.get("Content-Encoding", "identity")
        if coding.lower() != "identity":
            raise UnsupportedMedia("send the request body without a Content-Encoding; it is not decompressed here")
        announced = request.content_length
        if announced is not None:
            if announced > limit:
                raise _too_large(limit)
            self.grow_to(announced)
        return await self._budget.receive(request, self, limit)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the request body is over the limit of {limit} bytes; nothing was stored")

"""One keep-alive connection that knows just enough HTTP/1.1 to tell where an answer ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


class BrokenAnswer(Exception):
    """The server closed the connection, or sent what this client does not understand."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's status and body."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """Sends one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""
        self._end = 0
        self._waiter: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        try:
            self._end = self._end or answer_end(self._received)
        except BrokenAnswer as error:
            self._fail(error)
        if self._end and len(self._received) >= self._end and self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_result(_answer(self._received[: self._end]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(BrokenAnswer(f"connection lost: {exc or 'closed by the server'}"))

    @property
    def usable(self) -> bool:
        """Whether the connection is open."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a request; the future has its answer. Raises `BrokenAnswer` there if none comes."""
        if self._transport is None or self._transport.is_closing():
            raise BrokenAnswer("the server closed an idle connection")
        self._received, self._end = b"", 0
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiter

    def _fail(self, error: BrokenAnswer) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


def answer_end(received: bytes) -> int:
    """Return where the answer that `received` begins with ends, 0 while its head is not complete.

    Raises `BrokenAnswer` for an answer without a Content-Length, such as one in chunks.
    """
    head = received.find(_HEAD_END)
    if head < 0:
        return 0
    lower = received[:head].lower()
    at = lower.find(_LENGTH)
    if at < 0:
        raise BrokenAnswer("an answer without a Content-Length")
    return head + len(_HEAD_END) + int(lower[at + len(_LENGTH) :].partition(b"\r\n")[0])


def _answer(whole: bytes) -> Answer:
    return Answer(int(whole[9:12]), whole.partition(_HEAD_END)[2])


async def connect(host: str, port: int) -> Connection:
    """Open a connection."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection

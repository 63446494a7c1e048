"""One connection to a witness: aiohttp's, with a deadline in every state that its client could prolong.

| State                                            | ends within           |
|--------------------------------------------------|-----------------------|
| accepted (and TLS handshake), no whole head yet  | `HEADER_SECONDS`      |
| idle after an answer, and no byte came since     | `keepalive_timeout`   |
| idle after an answer, bytes of a head came since | `HEADER_SECONDS`      |
| the answer is being sent                         | `ANSWER_SECONDS`      |
| a handler runs                                   | the handler's limits  |

Whoever owns the connection compares `deadline` with the clock and calls `abort`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.web_request import BaseRequest

HEADER_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 120.0

Report = Callable[["Connection"], None]


class Connection(web.RequestHandler):
    """A connection that says what it waits for. Belongs to one event loop.

    `changed` is called when `waits` or `closed` changed.
    """

    __slots__ = ("_changed", "_heard", "_link", "_seconds", "closed", "deadline", "waits")

    def __init__(
        self,
        server: web.Server,
        settings: dict[str, Any],
        changed: Report,
        header_seconds: float = HEADER_SECONDS,
    ) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **settings)
        self.waits = True
        """No request is under way."""
        self.closed = False
        self._changed = changed
        self._seconds = header_seconds
        self._link: asyncio.BaseTransport | None = None
        self._heard = True
        self.deadline = self._loop.time() + header_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to answer: after the TLS handshake, if there is one."""
        self._link = transport
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Free what the connection holds."""
        super().connection_lost(exc)
        self.closed = True
        self._changed(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first of a head start its deadline."""
        if self.waits and not self._heard:
            self._heard = True
            self.deadline = self._loop.time() + self._seconds
        super().data_received(data)

    def abort(self) -> None:
        """End it now, whatever is unsent. Before the handshake's end there is nothing to abort here."""
        if self._link is not None:
            cast(asyncio.Transport, self._link).abort()

    def request_came(self) -> None:
        """Say that the head of a request is whole; its handler has its own limits."""
        self.waits, self.deadline = False, inf
        self._changed(self)

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer. A client that does not read it holds the connection no longer than its deadline."""
        self.deadline = self._loop.time() + ANSWER_SECONDS
        sent = await super().finish_response(request, resp, start_time)
        if sent[0].keep_alive:
            self.waits, self._heard = True, False
            self.deadline = self._loop.time() + self.keepalive_timeout
            self._changed(self)
        return sent

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> web.StreamResponse:
        """Answer what reaches no route: unparsable bytes. aiohttp's own answer would quote them."""
        super().handle_error(request, status, exc, "")  # It logs, and raises if an answer is under way.
        answer = web.Response(status=status, text="this is not a request that a witness can read\n")
        answer.headers["Server"] = "tlog-witness"
        answer.force_close()
        return answer

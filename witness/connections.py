"""All connections of a listening socket: how many there may be, and the end of those that are over their deadline.

Each costs a file descriptor, and a witness without descriptors cannot open its database. Invariants:

* At most `max_open` connections are open. When one more comes, the oldest that has not sent a request
  yields, or else the one that has been idle longest; if all are at work, the new one is refused.
* A connection counts from its accept: a TLS handshake that never ends is one as well.
* No connection outlives its deadline by more than a tenth of the header's.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from typing import Any, Final

from aiohttp import web

from witness.connection import HEADER_SECONDS, Connection

MAX_OPEN: Final = 4096
MAX_DESCRIPTORS: Final = 65536
BACKLOG: Final = 1024
ACCEPTS_AT_ONCE: Final = 64
PAUSE_SECONDS: Final = 1


def max_open_under(descriptors: int) -> int:
    """Return how many connections a process may have open that may have this many file descriptors."""
    return max(1, min(MAX_OPEN, descriptors // 4))


def raise_descriptor_limit() -> int:
    """Raise the soft limit on file descriptors to the hard one, or to what is of use. Return the soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    useful = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= useful:
        return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (useful, hard))
    return useful


class Connections:
    """Listens, accepts and ends connections. Belongs to one event loop.

    `settings` are arguments of `web.RequestHandler`.
    """

    def __init__(
        self,
        server: web.Server,
        settings: dict[str, Any],
        max_open: int = MAX_OPEN,
        tls: ssl.SSLContext | None = None,
        header_seconds: float = HEADER_SECONDS,
    ) -> None:
        self._server = server
        self._settings = settings
        self._max_open = max_open
        self._tls = tls
        self._header_seconds = header_seconds
        self._open: set[Connection] = set()
        self._silent: dict[Connection, None] = {}  # Oldest first, as in `_idle`.
        self._idle: dict[Connection, None] = {}
        self._opening: dict[Connection, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()
        self._sweeper: asyncio.TimerHandle | None = None
        self._listeners: list[socket.socket] = []

    def __len__(self) -> int:
        return len(self._open)

    async def listen(self, host: str, port: int) -> int:
        """Listen; return the port, which 0 lets the system choose. Raises `OSError`."""
        found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((info[0], info[4]) for info in found):
            listener = socket.create_server(address, family=family, backlog=BACKLOG)
            listener.setblocking(False)
            self._listeners.append(listener)
        for listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)
        self._sweep()
        return int(self._listeners[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening, and end handshakes under way. Requests under way go on."""
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for task in self._opening.values():
            task.cancel()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                accepted, _address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # No descriptor is free. The listener stays readable: look again later.
                self._loop.remove_reader(listener)
                self._loop.call_later(PAUSE_SECONDS, self._resume, listener)
                return
            self._admit(accepted)

    def _resume(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def _admit(self, accepted: socket.socket) -> None:
        if len(self._open) >= self._max_open and not self._make_room():
            accepted.close()
            return
        accepted.setblocking(False)
        connection = Connection(self._server, self._settings, self._changed, self._header_seconds)
        self._open.add(connection)
        self._silent[connection] = None
        task = self._loop.create_task(self._connect(connection, accepted))
        self._opening[connection] = task
        task.add_done_callback(lambda _: self._opening.pop(connection, None))

    async def _connect(self, connection: Connection, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, accepted, ssl=self._tls)
        except BaseException as error:
            accepted.close()
            self._end(connection)
            if not isinstance(error, OSError):  # No TLS, or gone: nobody is there to be told.
                raise

    def _changed(self, connection: Connection) -> None:
        self._silent.pop(connection, None)
        self._idle.pop(connection, None)
        if connection.closed:
            self._open.discard(connection)
        elif connection.waits and connection in self._open:
            self._idle[connection] = None

    def _make_room(self) -> bool:
        oldest = next(iter(self._silent), None) or next(iter(self._idle), None)
        if oldest is None:
            return False
        self._end(oldest)
        return True

    def _end(self, connection: Connection) -> None:
        connection.closed = True
        self._changed(connection)
        connection.abort()
        if opening := self._opening.get(connection):
            opening.cancel()

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in [connection for connection in self._open if connection.deadline < now]:
            self._end(connection)
        self._sweeper = self._loop.call_later(self._header_seconds / 10, self._sweep)

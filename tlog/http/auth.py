"""Who asks: bearer tokens (RFC 6750), and what each kind may do.

A source's token appends entries whose `source` is its name, and reads those back; an auditor's token reads
every entry; so does a data protection officer's, which also acts (erases, holds, lets expire). A token found
in the database is believed for `CACHE_SECONDS`, so that a revocation bites soon and appends do not wait for a
look-up; requests that bring one unknown token at once share one look-up.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from time import monotonic
from typing import Final

from aiohttp import web

from tlog.errors import Forbidden, Unauthorized
from tlog.storage.log_store import StoredEntry
from tlog.storage.token_store import Token, TokenKind

CACHE_SECONDS: Final = 5.0
_MAX_CACHED: Final = 4096
_READ_ALL: Final = frozenset({TokenKind.AUDITOR, TokenKind.DPO})
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]{16,256}=*)")


class Authenticator:
    """Finds the token of a request. Belongs to one event loop."""

    def __init__(self, find: Callable[[str], Token], clock: Callable[[], float] = monotonic) -> None:
        """`find` blocks and raises `Unauthorized`; `clock` returns seconds."""
        self._find = find
        self._clock = clock
        self._known: dict[bytes, tuple[Token, float]] = {}
        self._asked: dict[bytes, asyncio.Task[Token]] = {}

    async def source(self, request: web.Request) -> Token:
        """Return the token of a source. Raises `Unauthorized`, `Forbidden` for a token of another kind."""
        return _require(await self.token(request), TokenKind.SOURCE, "a source")

    async def dpo(self, request: web.Request) -> Token:
        """Return the token of a data protection officer. Raises as `source` does."""
        return _require(await self.token(request), TokenKind.DPO, "a data protection officer")

    async def token(self, request: web.Request) -> Token:
        """Return the request's token. Raises `Unauthorized`."""
        text = _bearer(request.headers.get("Authorization"))
        key = hashlib.sha256(text.encode()).digest()
        found = self._known.get(key)
        if found is not None and self._clock() < found[1]:
            return found[0]
        return await self._look_up(key, text)

    async def _look_up(self, key: bytes, text: str) -> Token:
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(key, text))
            task.add_done_callback(_mark_seen)
        return await asyncio.shield(task)

    async def _ask(self, key: bytes, text: str) -> Token:
        asked_at = self._clock()
        self._known.pop(key, None)
        try:
            token = await asyncio.to_thread(self._find, text)
        finally:
            del self._asked[key]
        if len(self._known) >= _MAX_CACHED:
            self._known.clear()
        self._known[key] = (token, asked_at + CACHE_SECONDS)
        return token


def require_readable(token: Token, stored: StoredEntry) -> None:
    """Raise `Forbidden` unless the token may read this entry. A bare leaf has nothing to read, for anybody."""
    if stored.columns["source"] is None:
        return
    if token.kind not in _READ_ALL and stored.columns["source"] != token.name:
        raise Forbidden(f"this token reads entries of the source {token.name} only")


def _require(token: Token, kind: TokenKind, of: str) -> Token:
    if token.kind is not kind:
        raise Forbidden(f"this needs the token of {of}; yours is of kind {token.kind}")
    return token


def _mark_seen(task: asyncio.Task[Token]) -> None:
    if not task.cancelled():
        task.exception()  # Whoever waited for it may have gone away.


def _bearer(header: str | None) -> str:
    if header is None:
        raise Unauthorized("send the header 'Authorization: Bearer <token>'")
    found = _BEARER.fullmatch(header.strip())
    if found is None:
        raise Unauthorized("the Authorization header is not 'Bearer' and a token as 'tlog token add' prints it")
    return found[1]

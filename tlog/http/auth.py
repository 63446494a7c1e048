"""Who asks: a bearer token (RFC 6750), a client certificate, or on pages the cookie of a session.

A credential found in the database is believed for `CACHE_SECONDS`, so that a revocation bites soon and appends do not
wait for a look-up; requests that bring one unknown token at once share one look-up.

A cookie counts on pages only (`/ui/…`) and a bearer token everywhere else: a page of somebody else's site can make a
browser send cookies, but no header.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from aiohttp import web

from tlog.errors import Forbidden, Unauthorized
from tlog.http.sessions import Sessions
from tlog.service.principal import Principal, of_token
from tlog.storage.log_store import StoredEntry
from tlog.storage.token_store import Token, TokenStore

CACHE_SECONDS: Final = 5.0
PAGES: Final = "/ui/"
OWN_ONLY: Final = "the log's own entries are read by auditors and data protection officers only"
_MAX_CACHED: Final = 4096
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]{16,8192}=*)")
_MAX_TOKEN: Final = 256
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

JwtBearer = Callable[[str, bytes | None], Awaitable[Principal]]
"""Finds whom a JSON Web Token stands for, over a connection with this client certificate (SHA-256).

Raises `Unauthorized`, `Forbidden`, `ProviderFailed`."""
PeerFingerprint = Callable[[web.Request], bytes | None]
"""Returns the SHA-256 of the client certificate of a request's connection, if it has one."""


def no_certificate(_request: web.Request) -> bytes | None:
    """Return that there is no client certificate."""
    return None


class Authenticator:
    """Finds the principal of a request. Belongs to one event loop."""

    def __init__(
        self,
        tokens: TokenStore,
        sessions: Sessions | None = None,
        *,
        jwt: JwtBearer | None = None,
        peer: PeerFingerprint = no_certificate,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`clock` returns seconds."""
        self._tokens = tokens
        self.sessions = sessions or Sessions(clock)
        self._jwt = jwt
        self._peer = peer
        self._clock = clock
        self._known: dict[bytes, tuple[Token, float]] = {}
        self._asked: dict[bytes, asyncio.Task[Token]] = {}

    async def principal(self, request: web.Request) -> Principal:
        """Return who asks. Raises `Unauthorized`; `Forbidden` and `ProviderFailed` as `JwtBearer` does."""
        if request.path.startswith(PAGES):
            return await self.sessions.principal(request)
        header = request.headers.get("Authorization")
        fingerprint = self._peer(request) if header is None else None
        if fingerprint is not None:
            return of_token(await self._token(fingerprint, lambda: self._tokens.find_certificate(fingerprint)))
        text = _bearer(header)
        if self._jwt is not None and _JWT.fullmatch(text):
            return await self._jwt(text, self._peer(request))
        return await self.bearer(text)

    async def bearer(self, text: str) -> Principal:
        """Return whom a bearer token stands for. Raises `Unauthorized`."""
        if len(text) > _MAX_TOKEN:
            raise Unauthorized("this token is not known here, or was revoked")
        key = hashlib.sha256(b"bearer\0" + text.encode()).digest()
        return of_token(await self._token(key, lambda: self._tokens.find(text)))

    async def in_force(self, token_id: str) -> Principal:
        """Return whom a credential stands for, by its id. Raises `Unauthorized` once it is revoked or expired."""
        key = hashlib.sha256(b"id\0" + token_id.encode()).digest()
        return of_token(await self._token(key, lambda: self._tokens.in_force(token_id)))

    async def _token(self, key: bytes, find: Callable[[], Token]) -> Token:
        found = self._known.get(key)
        if found is not None and self._clock() < found[1]:
            return found[0]
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(key, find))
            task.add_done_callback(_mark_seen)
        return await asyncio.shield(task)

    async def _ask(self, key: bytes, find: Callable[[], Token]) -> Token:
        asked_at = self._clock()
        self._known.pop(key, None)
        try:
            token = await asyncio.to_thread(find)
        finally:
            del self._asked[key]
        if len(self._known) >= _MAX_CACHED:
            self._known.clear()
        self._known[key] = (token, asked_at + CACHE_SECONDS)
        return token


def require_readable(principal: Principal, stored: StoredEntry) -> None:
    """Raise `Forbidden` unless the principal may read this entry. A bare leaf has nothing to read, for anybody."""
    source = stored.columns["source"]
    if source is not None and not principal.scope.covers(source, stored.columns["retention"]):
        own = not principal.scope.is_limited  # then nothing else is kept from them
        raise Forbidden(OWN_ONLY if own else f"you read entries of {principal.scope} only")


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

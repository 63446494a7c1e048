"""Requests to an identity provider: bounded in time and size, never redirected, without cookies.

Redirects are not followed, because the addresses were checked, and the one redirected to was not.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import aiohttp

from tlog.errors import ConfigurationInvalid, ProviderFailed

MAX_ANSWER_BYTES: Final = 256 * 1024
TOTAL_SECONDS: Final = 10
CONNECT_SECONDS: Final = 5
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


@asynccontextmanager
async def provider_session(
    ca: str | None, total_seconds: float = TOTAL_SECONDS
) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for the requests to a provider; `ca` is a PEM file of its certificate authority, if private.

    Raises `ConfigurationInvalid` where that file can't be used.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=_context(ca), limit=16),
        timeout=aiohttp.ClientTimeout(total=total_seconds, connect=CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # A small answer may be a huge one; none was asked for.
        trust_env=False,
        headers=_HEADERS,
    ) as session:
        yield session


class Fetch:
    """GET and POST. Belongs to one event loop."""

    def __init__(self, session: aiohttp.ClientSession, max_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._session = session
        self._max_bytes = max_bytes

    async def get(self, url: str, what: str, headers: Mapping[str, str] | None = None) -> bytes:
        """Return the body of a 200. Raises `ProviderFailed`, which calls the request `what`."""
        status, body = await self._ask("GET", url, what, headers=headers)
        if status != 200:
            raise ProviderFailed(f"the identity provider's {what} answered {status} instead of 200")
        return body

    async def post(
        self, url: str, what: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a form; return status and body. Raises `ProviderFailed`."""
        return await self._ask("POST", url, what, form=form, headers=headers)

    async def _ask(
        self,
        method: str,
        url: str,
        what: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        try:
            async with self._session.request(method, url, data=form, headers=headers, allow_redirects=False) as answer:
                return answer.status, await self._read(answer, what)
        except ProviderFailed:
            raise
        except Exception as error:
            # HTTP libraries raise more than they say. The message may hold the address with its query: not repeated.
            raise ProviderFailed(f"the identity provider's {what} can't be asked: {type(error).__name__}") from None

    async def _read(self, answer: aiohttp.ClientResponse, what: str) -> bytes:
        data = bytearray()
        async for chunk in answer.content.iter_chunked(64 * 1024):
            data += chunk
            if len(data) > self._max_bytes:
                raise ProviderFailed(f"the identity provider's {what} sends over {self._max_bytes} bytes")
        return bytes(data)


def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # SSLError is one
        raise ConfigurationInvalid(f"oidc.ca: {ca} can't be used: {error.strerror or error}") from None

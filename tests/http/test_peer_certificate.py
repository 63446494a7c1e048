"""Client certificates over real TLS connections, accepted as `tlog serve` accepts them."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp import web
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.http.authority import Authority, authority, client_context
from tests.http.tls_server import tls_server
from tlog.errors import Unauthorized
from tlog.http.peer_certificate import Certificate, parse_certificate, peer_certificate


@asynccontextmanager
async def server(folder: Path, ca: Path | None, tls: bool = True) -> AsyncIterator[tuple[str, list[Any]]]:
    """A server that keeps the certificates of its clients; yields its URL and them."""
    seen: list[Certificate | None] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(peer_certificate(request))
        return web.Response(text="ok")

    async with tls_server(handle, folder, ca, tls) as url:
        yield url, seen


async def ask(url: str, context: ssl.SSLContext | None, times: int = 1) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(times):
            async with session.get(url, ssl=context or True) as answer:
                assert answer.status == 200


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return authority(tmp_path)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_is_seen(tmp_path: Path, ca: Authority, version: ssl.TLSVersion) -> None:
    own, der = ca.client("svc")
    async with server(tmp_path, ca.path) as (url, seen):
        context = client_context(tmp_path / "chain.pem", own)
        context.minimum_version = context.maximum_version = version
        await ask(url, context, 2)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert seen[0].fingerprint == hashlib.sha256(der).digest()
    assert seen[0].subject == "CN=svc"
    assert seen[0].names == ("svc.example", "spiffe://example/svc")
    assert timedelta(minutes=50) < seen[0].not_after - datetime.now(UTC) < timedelta(minutes=70)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_resumed_session_has_its_certificate(tmp_path: Path, ca: Authority, version: ssl.TLSVersion) -> None:
    own, _ = ca.client("svc")
    async with server(tmp_path, ca.path) as (url, seen):
        context = client_context(tmp_path / "chain.pem", own)
        context.minimum_version = context.maximum_version = version
        assert await asyncio.to_thread(_ask_twice, int(url.split(":")[2].strip("/")), context)
    assert len(seen) == 2
    assert seen[0] == seen[1] != None  # noqa: E711 - both are certificates


def _ask_twice(port: int, context: ssl.SSLContext) -> bool:
    """Ask on two connections, the second with the session of the first; return whether it was taken."""
    session: ssl.SSLSession | None = None
    reused = False
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as secured,
        ):
            secured.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while secured.recv(4096):
                pass
            session, reused = secured.session, bool(secured.session_reused)
    return reused


def test_it_is_seen_on_the_loop_that_serves(tmp_path: Path, ca: Authority) -> None:
    async def run() -> None:
        own, der = ca.client("svc")
        async with server(tmp_path, ca.path) as (url, seen):
            await ask(url, client_context(tmp_path / "chain.pem", own))
        assert seen[0].fingerprint == hashlib.sha256(der).digest()

    uvloop.run(run())


async def test_a_client_without_certificate_is_served(tmp_path: Path, ca: Authority) -> None:
    async with server(tmp_path, ca.path) as (url, seen):
        await ask(url, client_context(tmp_path / "chain.pem"))
    assert seen == [None]


async def test_nobody_is_asked_where_no_authority_is_set(tmp_path: Path, ca: Authority) -> None:
    own, _ = ca.client("svc")
    for tls in (True, False):
        async with server(tmp_path, None, tls) as (url, seen):
            await ask(url, client_context(tmp_path / "chain.pem", own) if tls else None)
        assert seen == [None]


async def test_certificates_that_end_the_handshake(tmp_path: Path, ca: Authority) -> None:
    (tmp_path / "other").mkdir()
    bad = [
        authority(tmp_path / "other").client("stranger")[0],
        ca.client("expired", begins=timedelta(hours=-3), ends=timedelta(hours=-2))[0],
        ca.client("early", begins=timedelta(hours=1), ends=timedelta(hours=2))[0],
        ca.client("server", usage=ExtendedKeyUsageOID.SERVER_AUTH)[0],
    ]
    async with server(tmp_path, ca.path) as (url, seen):
        for own in bad:
            with pytest.raises(aiohttp.ClientError):
                await ask(url, client_context(tmp_path / "chain.pem", own))
    assert seen == []


async def test_old_tls_is_refused(tmp_path: Path, ca: Authority) -> None:
    async with server(tmp_path, ca.path) as (url, seen):
        context = client_context(tmp_path / "chain.pem")
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(aiohttp.ClientError):
            await ask(url, context)
    assert seen == []


def test_a_certificate_that_expires_on_an_open_connection(ca: Authority) -> None:
    certificate = parse_certificate(ca.client("svc")[1])
    certificate.require_current(certificate.not_after)
    with pytest.raises(Unauthorized, match="has expired"):
        certificate.require_current(certificate.not_after + timedelta(seconds=1))
    assert "svc" not in repr(certificate)


def test_what_is_no_certificate() -> None:
    with pytest.raises(Unauthorized, match="can't be read"):
        parse_certificate(b"\x30\x00")

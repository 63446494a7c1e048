"""JWTs of the provider on requests, over real connections."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.http.authority import authority, client_context
from tests.http.tls_server import tls_server
from tests.service.identity.signer import access_claims, b64, sign
from tests.service.identity.simulator import Parts, parts
from tlog.errors import TlogError
from tlog.http.bearer_identity import bearer_identity
from tlog.http.problem import refusal
from tlog.service.identity.bearer import Bearer


def who(bearer: Bearer | None) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that answers the subject of a request's token, `nobody` without one."""

    async def handle(request: web.Request) -> web.Response:
        try:
            identity = await bearer_identity(request, bearer)
        except TlogError as error:
            return refusal(error)
        return web.Response(text="nobody" if identity is None else identity.subject)

    return handle


async def asked(url: str, authorization: str | None, **options: object) -> tuple[int, str]:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers, **options) as answer:  # type: ignore[arg-type]
        return answer.status, await answer.text()


def token(at: Parts, **changed: object) -> str:
    return sign(access_claims(iss=at.simulator.issuer, **changed), "RS256", "k1", typ="at+jwt")


async def test_who_brings_a_token(tmp_path: Path) -> None:
    async with parts() as at, tls_server(who(at.bearer), tmp_path, None, tls=False) as url:
        good = token(at)
        assert await asked(url, f"Bearer {good}") == (200, "svc-1")
        assert await asked(url, f"bearer   {good} ") == (200, "svc-1")
        for other in (None, "", f"Basic {good}", f"Bearer {good} x", "Bearer tlog_" + "x" * 43, good):
            assert await asked(url, other) == (200, "nobody")
        status, said = await asked(url, f"Bearer {token(at, aud='other', sub='Ada')}")
        assert (status, "another audience" in said, "Ada" in said) == (401, True, False)
        assert (await asked(url, f"Bearer {good[:-8]}AAAAAAAA"))[0] == 401
    async with tls_server(who(None), tmp_path, None, tls=False) as url:
        assert await asked(url, f"Bearer {good}") == (200, "nobody")


@pytest.mark.parametrize("shown", ["its own", "another", "none"])
async def test_a_token_that_is_bound_to_a_certificate(tmp_path: Path, shown: str) -> None:
    ca = authority(tmp_path)
    (own, der), (another, _) = ca.client("svc"), ca.client("another")
    async with parts() as at, tls_server(who(at.bearer), tmp_path, ca.path) as url:
        bound = token(at, cnf={"x5t#S256": b64(hashlib.sha256(der).digest())})
        certificate = {"its own": own, "another": another, "none": None}[shown]
        context = client_context(tmp_path / "chain.pem", certificate)
        status, said = await asked(url, f"Bearer {bound}", ssl=context)
        assert (status, said == "svc-1") == ((200, True) if shown == "its own" else (401, False))

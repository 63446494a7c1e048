"""A small OpenID provider on loopback that a test can have lie: what it answers is data, what it was asked is kept."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.service.identity.signer import CLIENT, NOW, Clock, id_claims, key_set_bytes, sign
from tlog.service.identity.bearer import Bearer
from tlog.service.identity.fetch import Fetch, provider_session
from tlog.service.identity.grants import RoleRule
from tlog.service.identity.login import Login
from tlog.service.identity.provider import Provider
from tlog.service.identity.settings import OidcSettings

CALLBACK = "https://log.example/ui/login/openid/callback"
DISCOVERY = "/.well-known/openid-configuration"


@dataclass
class Simulator:
    """`answers` by path replace the right ones; `claims` are those of the next ID token beside `nonce`."""

    answers: dict[str, Callable[[web.Request], web.StreamResponse]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    credentials: list[str | None] = field(default_factory=list)
    keys: bytes = field(default_factory=key_set_bytes)
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=lambda: {"sub": "s-1", "name": "Ada", "groups": ["dpo-group"]})
    nonce: str = ""
    issuer: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.answers:
            return self.answers[request.path](request)
        if request.path == "/token":
            return await self._token(request)
        known = {DISCOVERY: self.described(), "/me": self.userinfo}
        if request.path in known:
            return web.json_response(known[request.path])
        return web.Response(body=self.keys, content_type="application/json")

    def described(self) -> dict[str, Any]:
        made = {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/auth"}
        made |= {"token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys"}
        return made | {"userinfo_endpoint": f"{self.issuer}/me"} | self.metadata

    async def _token(self, request: web.Request) -> web.Response:
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        said = request.headers.get("Authorization", "")
        self.credentials.append(b64decode(said.removeprefix("Basic ")).decode() if said else None)
        claims = id_claims(iss=self.issuer, nonce=self.nonce) | self.claims
        return web.json_response({"id_token": sign(claims), "access_token": "opaque", "token_type": "bearer"})

    def sent_to(self, url: str) -> dict[str, str]:
        """The parameters of an authorization request, whose nonce the next ID token gets."""
        assert url.startswith(f"{self.issuer}/auth?")
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
        self.nonce = query["nonce"]
        return query


@dataclass(frozen=True)
class Parts:
    """A simulator and what is under test."""

    simulator: Simulator
    settings: OidcSettings
    provider: Provider
    login: Login
    bearer: Bearer
    clock: Clock


@asynccontextmanager
async def parts(max_bytes: int = 256 * 1024, **settings: Any) -> AsyncIterator[Parts]:
    """Run a simulator for the length of a block, with a login and a bearer on clocks that the test turns."""
    simulator, clock = Simulator(), Clock(NOW)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", simulator.handle)
    async with TestServer(app) as server, provider_session(None) as session:
        simulator.issuer = str(server.make_url("")).rstrip("/")
        options = {"client_secret": "s3", "audience": "https://log.example", "roles": {"dpo-group": RoleRule("dpo")}}
        made = OidcSettings(simulator.issuer, CLIENT, **(options | settings))
        provider = Provider(made, Fetch(session, max_bytes), clock)
        numbers = iter(range(1000))

        def random(count: int) -> bytes:
            return next(numbers).to_bytes(count)

        login = Login(made, provider, CALLBACK, random, clock)
        yield Parts(simulator, made, provider, login, Bearer(made, provider, clock), clock)


def answer(
    status: int = 200, body: bytes | dict[str, Any] = b"", **headers: str
) -> Callable[[web.Request], web.Response]:
    """An answer that is the same for every request."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: web.Response(status=status, body=data, headers=headers)

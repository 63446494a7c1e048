"""Login against somebody else's OpenID provider, over HTTP, as a browser would."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.http.service import Service, serve
from tests.interop.openid_provider import OpenIdProvider, running_openid_provider
from tests.processes import TLOG, free_port, run, running
from tests.support import running_log
from tlog.http.openid import CALLBACK, RETURN_TO, START
from tlog.service.identity.grants import RoleRule, grants_of
from tlog.service.identity.identity import Identity
from tlog.service.identity.opened import open_identity
from tlog.service.identity.settings import OidcSettings

pytestmark = pytest.mark.interop


@dataclass
class SignedIn:
    """Keeps who logged in, and answers with where they wanted to go."""

    identities: list[Identity] = field(default_factory=list)

    async def __call__(self, request: web.Request, identity: Identity) -> web.Response:
        self.identities.append(identity)
        return web.Response(text=request[RETURN_TO])


@dataclass(frozen=True)
class Site:
    """A log, its provider and a browser."""

    service: Service
    provider: OpenIdProvider
    browser: aiohttp.ClientSession
    signed_in: SignedIn

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.service.port}"


@asynccontextmanager
async def site(folder: Path, client_id: str, secret: str | None) -> AsyncIterator[Site]:
    port = free_port()
    callback = f"http://127.0.0.1:{port}{CALLBACK}"
    async with AsyncExitStack() as stack:
        provider = stack.enter_context(running_openid_provider(callback))
        settings = OidcSettings(
            provider.issuer,
            client_id,
            secret,
            scopes=("openid", "profile", "email", "custom_scope"),
            roles_claim="custom_claim.client",
            roles={client_id: RoleRule("auditor")},
        )
        settings.check()
        identity = await stack.enter_async_context(open_identity(settings, callback, os.urandom))
        made = await stack.enter_async_context(running_log(folder))
        signed_in = SignedIn()
        service = await stack.enter_async_context(serve(made, port=port, identity=identity, signed_in=signed_in))
        browser = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))  # unsafe: also for addresses
        )
        yield Site(service, provider, browser, signed_in)


@pytest.mark.parametrize(("client_id", "secret"), [("web", "secret"), ("native", None)])
async def test_a_person_logs_in(tmp_path: Path, client_id: str, secret: str | None) -> None:
    async with site(tmp_path, client_id, secret) as at:
        back = await at.provider.log_in(at.browser, f"{at.url}{START}?return_to=/ui/entries")
        assert back.startswith(f"{at.url}{CALLBACK}?")
        async with at.browser.get(back) as answer:
            assert (answer.status, await answer.text()) == (200, "/ui/entries")
        (identity,) = at.signed_in.identities
        assert (identity.issuer, identity.subject, identity.name) == (at.provider.issuer, "id1", "Test User")
        assert identity.email == "test-user@zitadel.ch"
        assert identity.authenticated_at is not None
        assert [rule.role for rule in grants_of(identity, {client_id: RoleRule("auditor")})] == ["auditor"]
        async with at.browser.get(back) as again:
            assert again.status == 403
        assert len(at.signed_in.identities) == 1


async def test_a_wrong_client_secret_logs_nobody_in(tmp_path: Path) -> None:
    async with site(tmp_path, "web", "wrong") as at:
        back = await at.provider.log_in(at.browser, f"{at.url}{START}")
        async with at.browser.get(back) as answer:
            assert answer.status == 403
            assert "refused the code" in await answer.text()
        assert at.signed_in.identities == []


async def test_another_browsers_callback_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path, "web", "secret") as at:
        back = await at.provider.log_in(at.browser, f"{at.url}{START}")
        async with aiohttp.ClientSession() as other, other.get(back) as answer:
            assert answer.status == 403
            assert "no login under way" in await answer.text()
        assert at.signed_in.identities == []


def make_folder(folder: Path, port: int, issuer: str) -> None:
    """A log that listens on `port` and lets users of the client `web` in as auditors."""
    run([*TLOG, "init", str(folder), "--origin", "example.com/log"])
    secret = folder / "keys" / "oidc.secret"
    secret.write_text("secret\n")
    secret.chmod(0o600)
    config = folder / "tlog.toml"
    text = config.read_text().replace("# public_url =\n", f'public_url = "http://127.0.0.1:{port}"\n')
    text += f"""
[oidc]
issuer = "{issuer}"
client_id = "web"
client_secret_file = "keys/oidc.secret"
scopes = ["openid", "profile", "email", "custom_scope"]
roles_claim = "custom_claim.client"
[oidc.roles]
web = "auditor"
"""
    config.write_text(text)


async def test_a_person_logs_in_at_a_log_that_is_served(tmp_path: Path) -> None:
    port = free_port()
    with running_openid_provider(f"http://127.0.0.1:{port}{CALLBACK}") as provider:
        make_folder(tmp_path / "log", port, provider.issuer)
        with running([*TLOG, "serve", str(tmp_path / "log"), "--port", str(port), "--json"]) as program:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
                back = await provider.log_in(browser, f"{program.url}{START}?return_to=/ui/entries")
                async with browser.get(back, allow_redirects=False) as answer:
                    assert (answer.status, answer.headers["Location"]) == (303, "/ui/entries")
                assert {cookie.key for cookie in browser.cookie_jar} >= {"tlog"}
            assert program.stop() == 0
            said = program.stderr()
            assert not [word for word in ("Test User", "test-user", "id1", "code=", "secret") if word in said]

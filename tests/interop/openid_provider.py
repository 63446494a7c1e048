"""A foreign OpenID provider: the example server of zitadel/oidc, with its users, clients and a key made at its start.

It has the clients `web` (with a secret) and `native` (public, PKCE), and a login page that takes name and password. It
puts names into userinfo only, and a claim `custom_claim` into tokens where the scope `custom_scope` was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import aiohttp

from tests.interop import tools
from tests.processes import free_port, spawn

USER = "test-user@localhost"
PASSWORD = "verysecure"


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """A running provider, by its issuer."""

    issuer: str

    async def log_in(self, browser: aiohttp.ClientSession, page: str, password: str = PASSWORD) -> str:
        """Go to `page`, which leads to the login form, fill it in, and follow up to the log; return that address."""
        async with browser.get(page) as answer:
            form = await answer.text()
            at = str(answer.url)
        found = re.search(r'name="id" value="([^"]+)"', form)
        action = re.search(r'action="([^"]+)"', form)
        assert found is not None, form
        assert action is not None, form
        data = {"username": USER, "password": password, "id": found[1]}
        url = urljoin(at, str(action[1]))
        for _ in range(5):
            method = "POST" if data else "GET"
            async with browser.request(method, url, data=data or None, allow_redirects=False) as said:
                assert said.status in (302, 303), await said.text()
                url, data = urljoin(url, str(said.headers["Location"])), {}
            if not url.startswith(self.issuer):
                return url
        raise AssertionError("the provider does not lead back")


@contextmanager
def running_openid_provider(*redirect_uris: str) -> Iterator[OpenIdProvider]:
    """Run the provider for the length of a block; it leads back to these addresses only."""
    program = tools.path_of(tools.OPENID_PROVIDER)
    port = free_port()
    running = spawn([program], env={"PORT": str(port), "REDIRECT_URI": ",".join(redirect_uris)})
    try:
        running.wait_port("localhost", port, seconds=30)
        yield OpenIdProvider(f"http://localhost:{port}/")
    finally:
        running.close()

"""Sessions of browsers over a real connection: what the cookie may, when it ends, which forms count."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import Morsel
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request

from tests.http.certificate import self_signed
from tests.http.service import Service
from tlog.errors import TlogError, Unauthorized
from tlog.http import problem, sessions
from tlog.http.auth import CACHE_SECONDS, Authenticator
from tlog.http.sessions import FORM_TOKEN, IDLE_SECONDS, MAX_SECONDS, Sessions
from tlog.service.principal import Principal
from tlog.storage.roles import Role
from tlog.storage.token_store import NewToken

JANE = Principal("user", "u-jane", "jane", frozenset({Role.AUDITOR}))


@dataclass
class Site:
    """A site of one page behind sessions, its clock, and a browser that has been nowhere yet."""

    clock: float = 1_000.0
    over_tls: bool = False
    public_url: str | None = None
    revoked: bool = False
    rechecked: bool = True
    server: Any = None
    browser: Any = None
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(lambda: self.clock, self.over_tls, self.public_url)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[_refusals])
        app.router.add_get("/login", self._login)
        app.router.add_get("/logout", self._logout)
        app.router.add_route("*", "/ui/page", self._page)
        return app

    async def _recheck(self) -> Principal:
        if self.revoked:
            raise Unauthorized("revoked")
        return JANE

    async def _login(self, request: web.Request) -> web.Response:
        response = web.Response()
        recheck = self._recheck if self.rechecked else None
        response.text = self.sessions.open(request, response, JANE, recheck).form_token
        return response

    async def _logout(self, request: web.Request) -> web.Response:
        response = web.Response()
        self.sessions.close(request, response)
        return response

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=(await self.sessions.principal(request)).name)

    async def login(self) -> str:
        """Log the browser in and return the session's form token."""
        async with self.browser.get(self.server.make_url("/login")) as answer:
            return str(await answer.text())

    async def status(self, method: str = "GET", **given: Any) -> int:
        """Ask for the page with what the browser has."""
        async with self.browser.request(method, self.server.make_url("/ui/page"), **given) as answer:
            return int(answer.status)

    def cookie(self) -> Morsel[str]:
        """The one cookie that the browser has."""
        (cookie,) = self.browser.cookie_jar
        return cookie  # type: ignore[no-any-return]


@web.middleware
async def _refusals(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except TlogError as error:
        return problem.refusal(error)
    return response


@asynccontextmanager
async def visited(tls: ssl.SSLContext | None = None, **given: Any) -> AsyncIterator[Site]:
    site = Site(**given)
    site.server = TestServer(site.app(), scheme="http" if tls is None else "https")
    await site.server.start_server(ssl=tls)
    jar = aiohttp.CookieJar(unsafe=True)  # else it takes none of an address
    async with aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(ssl=False)) as browser:
        site.browser = browser
        yield site
    await site.server.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with visited() as site:
        yield site


async def test_who_is_logged_in_is_known_and_nobody_else(site: Site) -> None:
    assert await site.status() == 401
    await site.login()
    assert await site.status() == 200
    site.browser.cookie_jar.clear()
    assert await site.status() == 401
    for made_up in ("", "x", "A" * 43, "é", '"'):
        assert await site.status(headers={"Cookie": f"tlog={made_up}"}) == 401


async def test_over_plain_http_the_cookie_is_kept_from_scripts_and_other_sites(site: Site) -> None:
    await site.login()
    cookie = site.cookie()
    assert (cookie.key, cookie["httponly"], cookie["samesite"]) == ("tlog", True, "Lax")
    assert (cookie["path"], cookie["domain"] in {"", "127.0.0.1"}) == ("/", True)
    assert int(cookie["max-age"]) == MAX_SECONDS
    assert not cookie["secure"]
    assert len(cookie.value) >= 43


async def test_over_tls_it_is_this_hosts_only(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with visited(tls) as site:
        await site.login()
        cookie = site.cookie()
        assert (cookie.key, cookie["secure"], cookie["path"]) == ("__Host-tlog", True, "/")
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
        assert await site.status() == 200


async def test_behind_a_proxy_that_ends_tls_it_is_the_same() -> None:
    async with visited(over_tls=True) as site:
        async with site.browser.get(site.server.make_url("/login")) as answer:
            said = answer.headers["Set-Cookie"]
        assert said.startswith("__Host-tlog=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in said.split(";")}
        value = said.split(";")[0]
        assert await site.status(headers={"Cookie": value}) == 200
        plain = value.removeprefix("__Host-")  # which a page over plain HTTP could have set
        assert await site.status(headers={"Cookie": plain}) == 401


async def test_the_cookie_itself_is_kept_nowhere(site: Site) -> None:
    await site.login()
    assert site.cookie().value not in repr(site.sessions.__dict__)


async def test_a_session_ends_when_nothing_comes_for_a_while(site: Site) -> None:
    await site.login()
    for _ in range(3):
        site.clock += IDLE_SECONDS - 1
        assert await site.status() == 200
    site.clock += IDLE_SECONDS
    assert await site.status() == 401
    assert IDLE_SECONDS <= 3600


async def test_a_session_ends_after_a_working_day_however_busy(site: Site) -> None:
    await site.login()
    until = site.clock + MAX_SECONDS
    while site.clock + 600 < until:
        site.clock += 600
        assert await site.status() == 200
    site.clock = until
    assert await site.status() == 401


async def test_who_logs_out_is_out_and_the_browser_forgets(site: Site) -> None:
    await site.login()
    value = site.cookie().value
    async with site.browser.get(site.server.make_url("/logout")):
        pass
    assert list(site.browser.cookie_jar) == []
    assert await site.status(headers={"Cookie": f"tlog={value}"}) == 401


async def test_a_new_login_ends_the_old_session_of_this_browser(site: Site) -> None:
    await site.login()
    old = site.cookie().value
    await site.login()
    assert site.cookie().value != old
    assert await site.status() == 200
    assert await site.status(headers={"Cookie": f"tlog={old}"}, cookies={"tlog": old}) == 401


async def test_a_session_ends_with_the_credential_that_opened_it(site: Site) -> None:
    await site.login()
    assert await site.status() == 200
    site.revoked = True
    assert await site.status() == 401
    site.revoked = False
    assert await site.status() == 401


async def test_a_revoked_credential_ends_its_sessions_within_seconds(service: Service) -> None:
    """With the real tokens: what opened the session is asked for again, at most `CACHE_SECONDS` later."""
    times = [0.0]
    tokens = service.made.log.tokens
    token, text = tokens.issue(NewToken("jane", frozenset({Role.AUDITOR})))
    auth = Authenticator(tokens, clock=lambda: times[0])

    async def login(request: web.Request) -> web.Response:
        response = web.Response()
        auth.sessions.open(request, response, await auth.bearer(text), lambda: auth.bearer(text))
        return response

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=(await auth.principal(request)).name)

    app = web.Application(middlewares=[_refusals])
    app.router.add_get("/login", login)
    app.router.add_get("/ui/page", page)
    app.router.add_get("/v1/page", page)
    jar = aiohttp.CookieJar(unsafe=True)
    async with TestServer(app) as server, aiohttp.ClientSession(cookie_jar=jar) as browser:

        async def status(path: str) -> int:
            async with browser.get(server.make_url(path)) as answer:
                return answer.status

        assert await status("/login") == 200
        assert await status("/ui/page") == 200
        assert await status("/v1/page") == 401, "a cookie counts on pages only"
        await asyncio.to_thread(tokens.revoke, token.token_id)
        times[0] += CACHE_SECONDS
        assert await status("/ui/page") == 401


async def test_a_form_counts_with_its_token_and_from_its_own_page(site: Site) -> None:
    form_token = await site.login()
    own = f"http://127.0.0.1:{site.server.port}"
    good: dict[str, str] = {FORM_TOKEN: form_token}
    for headers in ({}, {"Origin": own}, {"Origin": own, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert await site.status("POST", data=good, headers=headers) == 200, headers
    bad: list[dict[str, str]] = [{}, {FORM_TOKEN: ""}, {FORM_TOKEN: form_token + "A"}, {FORM_TOKEN: "é"}, {"x": "y"}]
    for form in bad:
        assert await site.status("POST", data=form, headers={"Origin": own}) == 403, form
    assert await site.status("POST", json=good) == 415
    with_file = aiohttp.FormData()
    with_file.add_field(FORM_TOKEN, form_token.encode(), filename="token.txt")
    assert await site.status("POST", data=with_file) == 415


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_whatever_is_no_reading_needs_the_form_token(site: Site, method: str) -> None:
    await site.login()
    assert await site.status(method) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://user@{host}"},
        {"Origin": "http://{host}.evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Origin": "http://127.0.0.1:99999999"},
        {"Origin": "{host}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "http://{host}", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_a_form_of_another_site_is_refused_though_it_has_the_token(site: Site, headers: dict[str, str]) -> None:
    form_token = await site.login()
    sent = {name: value.replace("{host}", f"127.0.0.1:{site.server.port}") for name, value in headers.items()}
    assert await site.status("POST", data={FORM_TOKEN: form_token}, headers=sent) == 403


PUBLIC = "https://log.example"


@pytest.mark.parametrize(
    ("public_url", "host", "origin", "status"),
    [
        (None, "log.example", "http://log.example", 200),  # as browsers write the default ports
        (None, "log.example", "https://log.example", 200),  # a proxy ended TLS
        (None, "log.example:80", "http://log.example", 200),
        (None, "log.example", "http://log.example:80", 200),
        (None, "log.example:443", "https://log.example", 200),
        (None, "LOG.example", "http://log.example", 200),
        (None, "[::1]", "http://[::1]", 200),
        (None, "[::1]:8000", "http://[::1]:8000", 200),
        (None, "[::1]", "https://[::1]:443", 200),
        (None, "[::1]", "http://[::2]", 403),
        (None, "log.example", "http://log.example:8000", 403),
        (None, "log.example:8000", "http://log.example", 403),
        (None, "log.example:80", "https://log.example", 403),
        (None, "log.example", "http://evil.example", 403),
        (None, "log.example", "ftp://log.example", 403),
        (None, "log.example", "http://log.example/path", 403),
        (None, "log.example", "null", 403),
        (PUBLIC, "10.0.0.7:8000", PUBLIC, 200),  # a proxy that writes a Host of its own
        (PUBLIC + "/", "log.example", PUBLIC + ":443", 200),
        (PUBLIC + ":443", "log.example", PUBLIC, 200),
        ("http://[::1]:8000", "10.0.0.7", "http://[::1]:8000", 200),
        (PUBLIC, "10.0.0.7:8000", "http://10.0.0.7:8000", 403),
        (PUBLIC, "log.example", "http://log.example", 403),
        (PUBLIC, "log.example", PUBLIC + ":8443", 403),
        (PUBLIC, "evil.example", "https://evil.example", 403),
        (PUBLIC, "log.example", "null", 403),
    ],
)
async def test_origins_are_compared_by_scheme_host_and_port(
    public_url: str | None, host: str, origin: str, status: int
) -> None:
    async with visited(public_url=public_url) as site:
        form = {FORM_TOKEN: await site.login()}
        headers = {"Host": host, "Origin": origin, "Cookie": f"tlog={site.cookie().value}"}
        assert await site.status("POST", data=form, headers=headers) == status


@pytest.mark.parametrize(("scheme", "status"), [("https", 200), ("http", 403)])
async def test_over_tls_the_origin_of_plain_http_is_another(tmp_path: Path, scheme: str, status: int) -> None:
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with visited(tls) as site:
        form = {FORM_TOKEN: await site.login()}
        headers = {"Host": "log.example", "Origin": f"{scheme}://log.example"}
        headers["Cookie"] = f"__Host-tlog={site.cookie().value}"
        assert await site.status("POST", data=form, headers=headers) == status


async def test_the_form_token_of_another_session_is_none(site: Site) -> None:
    other = await site.login()
    site.browser.cookie_jar.clear()
    mine = await site.login()
    assert await site.status("POST", data={FORM_TOKEN: other}) == 403
    assert await site.status("POST", data={FORM_TOKEN: mine}) == 200


async def test_their_number_is_bounded_and_who_was_seen_last_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 3)
    cookies = []
    for _ in range(5):
        site.clock += 1
        site.browser.cookie_jar.clear()
        await site.login()
        cookies.append(site.cookie().value)
    site.browser.cookie_jar.clear()
    known = [await site.status(headers={"Cookie": f"tlog={value}"}) for value in cookies]
    assert known == [401, 401, 200, 200, 200]


async def test_who_opens_many_sessions_ends_only_their_own() -> None:
    opened, bob = Sessions(lambda: 1_000.0), Principal("token", "bob", "bob", frozenset({Role.READER}))

    def log_in(principal: Principal) -> str:
        response = web.Response()
        opened.open(make_mocked_request("POST", "/ui/login"), response, principal)
        return next(iter(response.cookies.values())).value

    first = log_in(JANE)
    bobs = [log_in(bob) for _ in range(sessions.MAX_OF_ONE + 1)]
    alive = [opened.find(make_mocked_request("GET", "/ui/", {"Cookie": f"tlog={each}"})) for each in (first, *bobs)]
    assert [session is not None for session in alive] == [True, False] + [True] * sessions.MAX_OF_ONE

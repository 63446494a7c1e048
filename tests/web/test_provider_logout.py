"""Who logged in with a provider is logged out there too: over HTTP, and in a browser whose provider sends it on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from os import urandom
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web

from tests.processes import free_port
from tests.service.identity.signer import CLIENT
from tests.service.identity.simulator import Parts, parts
from tests.support import running_log
from tests.web.browser import PATIENCE_MS, chromium
from tests.web.site import Site, html, site
from tlog.http.openid import CALLBACK, START
from tlog.service.identity.login import Login
from tlog.service.identity.opened import OpenedIdentity
from tlog.storage.roles import Role


@asynccontextmanager
async def provided(folder: Path) -> AsyncIterator[tuple[Site, Parts]]:
    """The pages of a log whose provider lets everybody in as a data protection officer, without asking."""
    port = free_port()
    async with parts() as at, running_log(folder) as made:
        login = Login(at.settings, at.provider, f"http://127.0.0.1:{port}{CALLBACK}", urandom, at.clock)

        def let_in(request: web.Request) -> web.Response:
            at.simulator.nonce = request.query["nonce"]
            back = f"{request.query['redirect_uri']}?code=c&state={request.query['state']}"
            return web.Response(status=302, headers={"Location": back})

        at.simulator.answers["/auth"] = let_in
        at.simulator.metadata = {"end_session_endpoint": f"{at.simulator.issuer}/logout?tenant=1"}
        async with site(made, OpenedIdentity(at.settings, login, None), port) as served:
            yield served, at


async def log_in(served: Site, at: Parts) -> None:
    begun = await served.get(START)
    sent = at.simulator.sent_to(begun.headers["Location"])
    ended = await served.get(f"{CALLBACK}?code=c&state={sent['state']}")
    assert (ended.status, ended.headers["Location"]) == (303, "/ui/")
    assert (await served.get("/ui/search")).status == 200


async def test_the_session_ends_here_and_the_browser_goes_on_to_the_provider(tmp_path: Path) -> None:
    async with provided(tmp_path) as (served, at):
        await log_in(served, at)
        answer = await served.submit("/ui/logout")
        page = html(answer)
        seconds, _, url = answer.headers["Refresh"].partition("; url=")
        assert (seconds, url.partition("?")[0]) == ("0", f"{at.simulator.issuer}/logout")
        assert parse_qs(urlsplit(url).query) == {
            "tenant": ["1"],
            "client_id": [CLIENT],
            "post_logout_redirect_uri": [f"{served.url}/ui/"],
        }
        assert url in [link.get("href") for link in page.all("a")], "also without the header"
        assert "/ui/logout" not in [form.get("action") for form in page.all("form")]
        assert (await served.get("/ui/search")).status == 303
        assert "form-action 'self';" in answer.headers["Content-Security-Policy"]


async def test_it_ends_here_too_where_the_provider_is_away_or_offers_nothing(tmp_path: Path) -> None:
    async with provided(tmp_path) as (served, at):
        await log_in(served, at)
        at.simulator.answers = {"/logout": lambda _: web.Response(status=500)}
        assert (await served.submit("/ui/logout")).status == 200
        assert (await served.get("/ui/search")).status == 303
    async with provided(tmp_path / "second") as (served, at):
        at.simulator.metadata = {}
        await log_in(served, at)
        answer = await served.submit("/ui/logout")
        assert (answer.status, answer.headers["Location"]) == (303, "/ui/")
        assert (await served.get("/ui/search")).status == 303


async def test_who_logged_in_with_a_token_has_no_account_to_log_out_of(tmp_path: Path) -> None:
    async with provided(tmp_path) as (served, at):
        await log_in(served, at)
        await served.log_in(Role.AUDITOR)
        answer = await served.submit("/ui/logout")
        assert (answer.status, answer.headers["Location"]) == (303, "/ui/")


async def test_a_provider_that_only_services_come_from_is_offered_to_nobody(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(parts())
        made = await stack.enter_async_context(running_log(tmp_path))
        served = await stack.enter_async_context(site(made, OpenedIdentity(at.settings, None, at.bearer)))
        assert "your account" not in (await served.page("/ui/login")).text
    async with provided(tmp_path / "second") as (served, _):
        assert "Log in with your account" in (await served.page("/ui/login")).text


async def test_a_forged_logout_ends_nothing_and_leads_nowhere(tmp_path: Path) -> None:
    async with provided(tmp_path) as (served, at):
        await log_in(served, at)
        refused = await served.post("/ui/logout", [("form_token", "guess")])
        assert (refused.status, "Refresh" in refused.headers) == (403, False)
        assert (await served.get("/ui/search")).status == 200


@pytest.mark.processes
async def test_a_browser_comes_back_by_way_of_hosts_that_only_the_provider_knows(tmp_path: Path) -> None:
    async with provided(tmp_path) as (served, at), chromium() as chrome:
        elsewhere = at.simulator.issuer.replace("127.0.0.1", "localhost") + "/upstream"

        def on(request: web.Request) -> web.Response:
            back = request.query["post_logout_redirect_uri"]
            where = elsewhere + f"?post_logout_redirect_uri={back}" if request.path == "/logout" else back
            return web.Response(status=302, headers={"Location": where})

        at.simulator.answers |= {"/logout": on, "/upstream": on}
        page = await (await chrome.new_context()).new_page()
        page.set_default_timeout(PATIENCE_MS)
        blocked: list[str] = []
        page.on("console", lambda message: blocked.append(message.text))
        await page.goto(f"{served.url}/ui/login")
        await page.get_by_role("link", name="Log in with your account").click()
        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url(f"{served.url}/ui/")
        await page.get_by_role("link", name="Log in", exact=True).wait_for()
        assert at.simulator.asked[-2:] == ["/logout", "/upstream"]
        assert blocked == []

"""The two routes of the login, over HTTP, with a provider that a test can have lie."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from os import urandom
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from yarl import URL

from tests.http.own_entries import own_entries
from tests.http.service import Answer, Service, serve
from tests.service.identity.simulator import CALLBACK as AT_PROVIDER
from tests.service.identity.simulator import DISCOVERY, Parts, answer, parts
from tests.support import running_log
from tlog.cli.config import Listen
from tlog.errors import NoRole
from tlog.http.app import authenticator_of
from tlog.http.openid import CALLBACK, RETURN_TO, START, Finish
from tlog.service.identity.identity import Identity
from tlog.service.identity.login import Login
from tlog.service.identity.opened import OpenedIdentity


async def signed_in(request: web.Request, identity: Identity) -> web.Response:
    if identity.subject == "nobody":
        raise NoRole("no group has a role")
    return web.json_response([identity.subject, identity.name, list(identity.groups), request[RETURN_TO]])


@asynccontextmanager
async def site(
    folder: Path, callback: str = AT_PROVIDER, finish: Finish | None = signed_in
) -> AsyncIterator[tuple[Service, Parts]]:
    async with parts() as at, running_log(folder) as made:
        login = Login(at.settings, at.provider, callback, urandom, at.clock)
        identity = OpenedIdentity(at.settings, login, None)
        async with serve(made, identity=identity, signed_in=finish) as service:
            yield service, at


async def start(service: Service, at: Parts, query: str = "") -> tuple[dict[str, str], str]:
    """Begin a login; return what is sent to the provider, and the cookie as the browser sends it back."""
    begun = await raw(service, START + query)
    assert begun.status == 302, begun
    return at.simulator.sent_to(begun.headers["Location"]), begun.headers["Set-Cookie"].partition(";")[0]


async def raw(service: Service, path: str, cookie: str = "") -> Answer:
    """Ask without following redirects."""
    url = URL(f"http://127.0.0.1:{service.port}{path}", encoded=True)
    headers = {"Cookie": cookie} if cookie else {}
    async with service.session.get(url, headers=headers, allow_redirects=False) as said:
        return Answer(said.status, said.headers, await said.read())


async def test_a_login(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, at):
        sent, cookie = await start(service, at, "?return_to=/ui/entries?actor=e-7")
        ended = await raw(service, f"{CALLBACK}?code=c&state={sent['state']}&session_state=unknown", cookie)
        assert (ended.status, ended.json()) == (200, ["s-1", "Ada", ["dpo-group"], "/ui/entries?actor=e-7"])
        assert ended.headers["Cache-Control"] == "no-store"
        assert re.search(r'tlog-login="";.*Max-Age=0', ended.headers["Set-Cookie"])
        again = await raw(service, f"{CALLBACK}?code=c&state={sent['state']}", cookie)
        assert (again.status, again.slug) == (403, "login-refused")
        assert len(at.simulator.forms) == 1


async def test_the_cookie_is_for_this_host_and_for_no_script(tmp_path: Path) -> None:
    async with site(tmp_path / "a") as (service, _):
        begun = await raw(service, START)
        assert re.fullmatch(
            r"__Host-tlog-login=[\w=-]+; HttpOnly; Max-Age=600; Path=/; SameSite=Lax; Secure",
            begun.headers["Set-Cookie"],
        )
        assert begun.headers["Cache-Control"] == "no-store"
        assert begun.headers["Referrer-Policy"] == "no-referrer"
    async with site(tmp_path / "b", f"http://127.0.0.1{CALLBACK}") as (service, _):
        begun = await raw(service, START)
        assert re.fullmatch(
            r"tlog-login=[\w=-]+; HttpOnly; Max-Age=600; Path=/; SameSite=Lax", begun.headers["Set-Cookie"]
        )


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/ui//evil.example",
        "/ui/\\evil.example",
        "/uix",
        "/v1/entries",
        "/ui/../v1/entries",
        "/ui/a\r\nSet-Cookie: a=b",
        "/ui/#x",
        "/ui/" + "a" * 1024,
        "",
        "javascript:alert(1)",
    ],
)
async def test_nobody_is_led_elsewhere_after_the_login(service: Service, path: str) -> None:
    refused = await service.get(f"{START}?return_to={quote(path, safe='')}")
    assert (refused.status, refused.slug) == (400, "bad-parameter")
    assert "evil" not in refused.body.decode()


async def test_without_a_provider_nobody_logs_in(service: Service) -> None:
    for path in (START, CALLBACK):
        assert (await service.get(path)).slug == "not-found"


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ("code=c&state=other", "login-refused"),
        ("code=c", "login-refused"),
        ("code=c&state={state}&state=other", "bad-parameter"),
        ("code=c&code=d&state={state}", "bad-parameter"),
        ("error=access_denied&state={state}", "login-refused"),
        ("code=c&state=%ff", "login-refused"),
        ("code=c&state={state}&iss=https%3A%2F%2Fevil.example", "login-refused"),
    ],
)
async def test_callbacks_that_end_no_login(tmp_path: Path, query: str, slug: str) -> None:
    async with site(tmp_path) as (service, at):
        sent, cookie = await start(service, at)
        ended = await raw(service, f"{CALLBACK}?{query.format(**sent)}", cookie)
        assert ended.slug == slug
        assert at.simulator.forms == []


async def test_a_callback_belongs_to_the_browser_that_began(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, at):
        mine, my_cookie = await start(service, at)
        theirs, their_cookie = await start(service, at)
        for state, cookie in ((theirs["state"], my_cookie), (mine["state"], ""), (mine["state"], "a=b")):
            assert (await raw(service, f"{CALLBACK}?code=c&state={state}", cookie)).slug == "login-refused"
        assert at.simulator.forms == []
        at.simulator.nonce = theirs["nonce"]
        assert (await raw(service, f"{CALLBACK}?code=c&state={theirs['state']}", their_cookie)).status == 200


async def test_somebody_without_a_role_gets_nothing(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, at):
        sent, cookie = await start(service, at)
        at.simulator.claims = {"sub": "nobody"}
        at.simulator.userinfo = {"sub": "nobody"}
        ended = await raw(service, f"{CALLBACK}?code=c&state={sent['state']}", cookie)
        assert (ended.status, ended.slug) == (403, "forbidden")


@pytest.mark.parametrize("claims", [{"aud": "other"}, {"nonce": "other"}, {"sub": 7}])
async def test_a_provider_at_fault(tmp_path: Path, claims: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    async with site(tmp_path) as (service, at):
        sent, cookie = await start(service, at)
        at.simulator.claims = claims | {"name": "Ada", "email": "ada@x.example"}
        ended = await raw(service, f"{CALLBACK}?code=c0de&state={sent['state']}", cookie)
        assert (ended.status, ended.slug) == (502, "provider-failed")
        said = ended.body.decode() + "".join(capfd.readouterr())
        assert "the identity provider failed" in said
        assert not [word for word in ("Ada", "ada@", "c0de", sent["state"], sent["nonce"]) if word in said]


async def test_a_provider_that_is_away(tmp_path: Path) -> None:
    async with site(tmp_path) as (service, at):
        at.simulator.answers[DISCOVERY] = answer(503)
        assert (await raw(service, START)).slug == "provider-failed"


async def test_a_login_is_logged_and_opens_a_session(tmp_path: Path) -> None:
    async with site(tmp_path, f"http://127.0.0.1{CALLBACK}", None) as (service, at):
        sent, cookie = await start(service, at, "?return_to=/ui/entries")
        ended = await raw(service, f"{CALLBACK}?code=c&state={sent['state']}", cookie)
        assert (ended.status, ended.headers["Location"]) == (303, "/ui/entries")
        cookies = ended.headers.getall("Set-Cookie")
        assert any(re.match(r"tlog=[\w-]+; HttpOnly;", value) for value in cookies)
        assert any(value.startswith('tlog-login=""') for value in cookies)
        (entry,) = await own_entries(service, "tlog.session.open")
        assert (entry["actor"]["type"], entry["actor"]["id"], entry["outcome"]) == ("tlog-user", "s-1", "allowed")
        assert "Ada" not in str(entry)


async def test_behind_a_proxy_that_ends_tls_the_session_is_for_tls_only(tmp_path: Path) -> None:
    async with parts() as at, running_log(tmp_path) as made:
        identity = OpenedIdentity(at.settings, Login(at.settings, at.provider, AT_PROVIDER, urandom, at.clock), None)
        auth = authenticator_of(made.log, identity, Listen(public_url="https://log.example").over_tls)
        async with serve(made, identity=identity, auth=auth) as service:
            sent, cookie = await start(service, at)
            ended = await raw(service, f"{CALLBACK}?code=c&state={sent['state']}", cookie)
            assert any(
                re.fullmatch(r"__Host-tlog=[\w-]+; HttpOnly; Max-Age=36000; Path=/; SameSite=Lax; Secure", value)
                for value in ended.headers.getall("Set-Cookie")
            )


async def test_who_has_no_role_gets_no_session(tmp_path: Path) -> None:
    async with site(tmp_path, finish=None) as (service, at):
        sent, cookie = await start(service, at)
        at.simulator.userinfo = {"sub": "s-1", "name": "Ada", "groups": ["strangers"]}
        ended = await raw(service, f"{CALLBACK}?code=c&state={sent['state']}", cookie)
        assert (ended.status, ended.slug) == (403, "forbidden")
        assert "Set-Cookie" not in ended.headers
        assert "Ada" not in ended.body.decode()
        (entry,) = await own_entries(service, "tlog.access.refuse")
        assert (entry["outcome"], entry["details"]["operations"]) == ("denied", {"endOpenIdLogin": 1})
        assert await own_entries(service, "tlog.session.open") == []

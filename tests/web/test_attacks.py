"""The pages as somebody attacks them: forged forms, stolen and kept sessions, open redirects, other people's rows."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from tests.support import entry_document
from tests.web.conftest import append
from tests.web.site import Site, html
from tests.web.test_malformed_forms import FORMS
from tlog.audit.entry import NDJSON
from tlog.http.app import GUARD
from tlog.http.auth import CACHE_SECONDS
from tlog.http.guard import Guard
from tlog.http.sessions import FORM_TOKEN
from tlog.service.intake import AppendRequest
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import NewToken

READS = ("/ui/search", "/ui/access", "/ui/people", "/ui/holds", "/ui/tokens")
EVIL = "https://evil.example"
READING = ("/ui/search", "/ui/entries/0", "/ui/access", "/ui/sources", "/ui/drills")


@asynccontextmanager
async def another_browser(of: Site) -> AsyncIterator[Site]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Site(of.made, of._server, session)


async def form_token(browser: Site) -> str:
    page = await browser.page("/ui/")
    return next(str(tag["value"]) for tag in page.all("input") if tag.get("name") == FORM_TOKEN)


def guard_of(of: Site) -> Guard:
    assert isinstance(of._server, TestServer)
    return of._server.app[GUARD]


def cookies(browser: Site) -> dict[str, str]:
    return {each.key: each.value for each in browser._session.cookie_jar}


@pytest.mark.parametrize("path", [*FORMS, "/ui/logout"])
async def test_a_forged_form_does_nothing(clinic: Site, path: str) -> None:
    """Without a form token, with one of another session, with one of an earlier session, from elsewhere, as a GET."""
    role = FORMS[path][0] if path in FORMS else Role.DPO
    await clinic.log_in(role, "jane")
    old = await form_token(clinic)
    async with another_browser(clinic) as other:
        await other.log_in(role, "eve")
        theirs = await form_token(other)
    await clinic.log_in(role, "jane")
    own = await form_token(clinic)
    assert len({old, theirs, own}) == 3
    size = clinic.made.log.store.state().size
    for token in ("", "x", old, theirs, own + "x", own[:-1]):
        answer = await clinic.post(path, [(FORM_TOKEN, token), ("subject", "p-4711")])
        assert answer.status == 403, (token, answer)
    assert (await clinic.post(path, [("subject", "p-4711")])).status == 403
    for headers in (
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": f"http://{clinic._server.host}:1"},
        {"Origin": f"http://{clinic._server.host}:{clinic._server.port}.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
    ):
        answer = await clinic.post(path, [(FORM_TOKEN, own), ("subject", "p-4711")], **headers)
        assert answer.status == 403, (headers, answer)
    if path not in READS:
        as_get = await clinic.get(f"{path}?{FORM_TOKEN}={own}&subject=p-4711")
        assert as_get.status in {400, 405}, as_get
    assert (await clinic.get("/ui/")).status == 200
    entries = clinic.made.log.store.state().size - size
    own_entries = [clinic.made.log.entries.stored(size + number) for number in range(entries)]
    assert {entry.columns["source"] for entry in own_entries} <= {"tlog"}
    assert not [1 for entry in own_entries if entry.columns["action"] in {"tlog.erasure", "tlog.hold.place"}]
    assert "p-4711" in html(await clinic.get("/ui/entries/0")).text if role is Role.DPO else True


@pytest.mark.parametrize(
    "way",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/ui/",
        "https:evil.example",
        "/ui//../../evil",
        "%2F%2Fevil.example",
        "/%2Fevil.example",
        "/ui/@evil.example",
        "/ui/\r\nLocation: https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        " //evil.example",
        "/ui/logout",
        "",
    ],
)
async def test_nobody_is_sent_elsewhere_after_a_login(clinic: Site, way: str) -> None:
    token = clinic.made.token("jane", Role.AUDITOR)
    answer = await clinic.post("/ui/login", [("token", token), ("next", way)])
    assert answer.status == 303
    assert re.fullmatch(r"/ui/[A-Za-z0-9/_-]*", answer.headers["Location"]), answer.headers["Location"]
    shown = await clinic.get(f"/ui/login?next={way.strip()}" if way.isprintable() else "/ui/login")
    for tag in html(shown, shown.status).all("input"):
        if tag.get("name") == "next":
            assert re.fullmatch(r"/ui/[A-Za-z0-9/_-]*", str(tag["value"]))


async def test_the_way_to_the_login_is_on_this_log(clinic: Site) -> None:
    for path in ("/ui//evil.example", "/ui/entries/%0d%0aX:1", "/ui/acts/%2F%2Fevil/approve"):
        answer = await clinic.get(path)
        if answer.status == 303:
            assert answer.headers["Location"].startswith("/ui/login?next=/ui/")
        else:
            assert answer.status in {400, 404, 405}


async def test_a_login_makes_a_new_session_and_ends_the_old(clinic: Site) -> None:
    """Session fixation: a cookie that somebody planted is never the session's."""
    clinic._session.cookie_jar.update_cookies({"tlog": "planted"}, clinic._server.make_url("/"))
    await clinic.log_in(Role.AUDITOR)
    first = cookies(clinic)["tlog"]
    assert first != "planted"
    assert len(first) >= 43
    await clinic.log_in(Role.AUDITOR)
    second = cookies(clinic)["tlog"]
    assert second != first
    for dead in (first, "planted", "", "x" * 10_000):
        async with aiohttp.ClientSession(cookies={"tlog": dead}) as thief:
            assert (await Site(clinic.made, clinic._server, thief).get("/ui/search")).status == 303


async def test_a_logout_ends_the_session_for_whoever_kept_its_cookie(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    kept = cookies(clinic)
    answer = await clinic.submit("/ui/logout")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    async with aiohttp.ClientSession(cookies=kept) as thief:
        assert (await Site(clinic.made, clinic._server, thief).get("/ui/search")).status == 303


async def test_a_revoked_token_ends_its_session_as_soon_as_it_is_asked_about_again(clinic: Site) -> None:
    tokens = clinic.made.log.tokens
    token, text = tokens.issue(NewToken("jane", frozenset({Role.AUDITOR})))
    assert (await clinic.post("/ui/login", [("token", text)])).status == 303
    own = await form_token(clinic)
    tokens.revoke(token.token_id)
    auth = guard_of(clinic).auth
    later = auth._clock() + CACHE_SECONDS
    auth._clock = lambda: later
    assert (await clinic.get("/ui/search")).status == 303
    assert (await clinic.post("/ui/search", [(FORM_TOKEN, own), ("source", "clinic")])).status == 303
    assert (await clinic.post("/ui/logout", [(FORM_TOKEN, own)])).status == 403, "nobody is logged in"


@pytest.mark.parametrize("secure", [False, True])
async def test_the_cookies_are_for_this_log_and_for_no_script(clinic: Site, secure: bool) -> None:
    guard_of(clinic).auth.sessions._over_tls = secure
    answer = await clinic.post("/ui/login", [("token", clinic.made.token("jane", Role.AUDITOR))])
    name, *flags = [part.strip() for part in answer.headers["Set-Cookie"].split(";")]
    assert name.startswith("__Host-tlog=" if secure else "tlog=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert ("Secure" in flags) is secure
    assert not [flag for flag in flags if flag.startswith("Domain")]
    assert (await clinic.get("/ui/")).headers.getall("Set-Cookie", []) == []


@pytest.mark.parametrize("path", [*READING, "/ui/", "/ui/people", "/ui/holds", "/ui/retention", "/ui/acts", "/ui/none"])
async def test_no_page_is_kept_anywhere_nor_framed_and_head_says_the_same(clinic: Site, path: str) -> None:
    await clinic.log_in(Role.DPO)
    answer = await clinic.get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    async with clinic._session.head(clinic._server.make_url(path), allow_redirects=False) as head:
        assert head.status == answer.status
        assert await head.read() == b""
        for name in ("Cache-Control", "Content-Security-Policy", "Content-Type", "X-Frame-Options"):
            assert head.headers[name] == answer.headers[name]


async def test_what_sends_on_and_what_is_taken_away_is_kept_nowhere(clinic: Site) -> None:
    assert (await clinic.get("/ui/search")).headers["Cache-Control"] == "no-store"
    await clinic.log_in(Role.DPO)
    for path, fields in (
        ("/ui/entries/0/evidence", {"disclose": "core", "format": "html"}),
        ("/ui/people/access", {"subject": "p-4711", "authorised_by": "Dana", "format": "html"}),
        ("/ui/people/access", {"subject": "p-4711", "authorised_by": "Dana", "format": "csv"}),
    ):
        answer = await clinic.submit(path, **fields)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "p-4711" not in answer.headers["Content-Disposition"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_who_is_limited_to_a_source_sees_nothing_else_on_any_page(clinic: Site) -> None:
    await append(clinic.made, entry_document())
    shop = frozenset({"shop"})
    sold = entry_document(
        source="shop", action="order.read", subjects=[{"id": "p-shop"}], actor={"type": "t", "id": "s"}
    )
    placed = await clinic.made.log.appender.append(AppendRequest(json.dumps(sold).encode(), NDJSON, shop))
    await clinic.made.log.wait("witnessed", placed[-1].index + 1)
    limited = NewToken("lim", frozenset({Role.READER}), scope=RowScope(sources=shop))
    text = clinic.made.log.tokens.issue(limited)[1]
    assert (await clinic.post("/ui/login", [("token", text)])).status == 303
    for path in ("/ui/", "/ui/search", "/ui/access", "/ui/sources", "/ui/drills", "/ui/entries/0", "/ui/witnesses"):
        answer = await clinic.get(path)
        assert answer.status in {200, 403}, (path, answer)
        for word in (b"p-4711", b"treatment", b"r-55", b"patient.record.read"):
            assert word not in answer.body, (path, word)
        if path not in {"/ui/", "/ui/witnesses"}:
            assert b">clinic<" not in answer.body, path
    assert (await clinic.get("/ui/entries/0")).status == 403
    assert (await clinic.submit("/ui/entries/0/evidence", disclose="core")).status == 403
    found = html(await clinic.submit("/ui/search", subject="p-4711"))
    assert "Nothing found" in found.text
    assert "p-shop" in html(await clinic.submit("/ui/search", subject="p-shop")).text
    about = await clinic.submit("/ui/access", index="0")
    assert about.status == 403
    assert "p-shop" in (await clinic.page(f"/ui/entries/{placed[-1].index}")).text


async def test_an_admin_sees_no_entry(clinic: Site) -> None:
    await clinic.log_in(Role.ADMIN)
    for path in ("/ui/search", "/ui/entries/0", "/ui/access", "/ui/people", "/ui/holds", "/ui/retention"):
        assert (await clinic.get(path)).status == 403, path
    for path in FORMS:
        if not path.startswith(("/ui/tokens", "/ui/acts")):
            answer = await clinic.submit(path, subject="p-4711", disclose="core", authorised_by="x")
            assert answer.status == 403, path
            assert b"Ada Example" not in answer.body

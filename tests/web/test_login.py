from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.http.own_entries import stored_own
from tests.support import running_log
from tests.web.site import Html, Site, html, site
from tlog.http.sessions import FORM_TOKEN
from tlog.service.access_log import Access
from tlog.service.log_parts import now_us
from tlog.service.lookup_filters import Filters
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role
from tlog.storage.token_store import Credential, NewToken
from web.pages.login import way_back

GUARDED = ("/ui/search", "/ui/access", "/ui/sources", "/ui/people", "/ui/retention", "/ui/holds", "/ui/tokens")


async def test_who_is_not_logged_in_is_shown_the_way_and_comes_back(clinic: Site) -> None:
    answer = await clinic.get("/ui/search")
    assert (answer.status, answer.headers["Location"]) == (303, "/ui/login?next=/ui/search")
    page = await clinic.page(answer.headers["Location"])
    assert {"type": "hidden", "name": "next", "value": "/ui/search"} in page.all("input")
    token = clinic.made.token("jane", Role.AUDITOR)
    back = await clinic.post("/ui/login", [("token", f" {token}\n"), ("next", "/ui/search")])
    assert (back.status, back.headers["Location"]) == (303, "/ui/search")
    assert "jane" in (await clinic.page("/ui/search")).text


@pytest.mark.parametrize(
    "text",
    ["https://evil.example/", "//evil.example", "/ui/../v1", "/ui/?a=1", "/docs", "/ui//evil.example\n", 7, None],
)
def test_the_way_back_is_a_page_of_this_log(text: object) -> None:
    assert way_back(text).startswith("/ui/")
    assert "evil.example\n" not in way_back(text)


async def test_an_unknown_token_is_refused_and_not_shown_again(clinic: Site) -> None:
    page = html(await clinic.post("/ui/login", [("token", "tlog_" + "x" * 40)]), 401)
    assert "not known here" in page.text
    assert "x" * 40 not in page.source


async def test_a_cookie_of_a_page_opens_no_interface_and_a_token_no_page(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    assert (await clinic.get("/v1/entries/0")).status == 401
    token = clinic.made.token("bob", Role.AUDITOR)
    await clinic.submit("/ui/logout")
    assert (await clinic.get("/ui/entries/0", Authorization=f"Bearer {token}")).status == 303


async def test_logging_out_ends_the_session(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    assert (await clinic.get("/ui/search")).status == 200
    assert (await clinic.submit("/ui/logout")).status == 303
    assert (await clinic.get("/ui/search")).status == 303


async def test_a_form_without_the_sessions_token_or_from_elsewhere_does_nothing(clinic: Site) -> None:
    await clinic.log_in(Role.DPO)
    for path in ("/ui/search", "/ui/people/erase", "/ui/holds", "/ui/retention/run", "/ui/logout"):
        assert (await clinic.post(path, [("subject", "p-4711")])).status == 403, path
        assert (await clinic.post(path, [(FORM_TOKEN, "guess")])).status == 403, path
    token = clinic.made.token("eve", Role.AUDITOR)
    assert (await clinic.post("/ui/login", [("token", token)], Origin="https://evil.example")).status == 403


async def test_a_login_is_an_entry(clinic: Site) -> None:
    await clinic.log_in(Role.AUDITOR)
    page = clinic.made.log.lookup.page(Filters(source="tlog", action="tlog.session"), None, 10)
    assert len(page.entries) == 1


async def test_no_answer_names_the_library_that_serves_it(clinic: Site) -> None:
    for path in ("/ui/", "/ui/nothing", "/ui/search", "/ui/login"):
        assert (await clinic.get(path)).headers["Server"] == "tlog", path


async def test_each_role_is_shown_its_pages_and_no_others(clinic: Site) -> None:
    shown = {}
    for role in (Role.READER, Role.AUDITOR, Role.DPO, Role.ADMIN):
        await clinic.log_in(role)
        page = await clinic.page("/ui/")
        links = {link.get("href") or "" for link in page.all("a")}
        shown[role] = {link for link in links if link.startswith("/ui/")} - {"/ui/", "/ui/witnesses", "/ui/compare"}
        for path in (
            "/ui/search",
            "/ui/access",
            "/ui/sources",
            "/ui/people",
            "/ui/retention",
            "/ui/holds",
            "/ui/tokens",
        ):
            assert ((await clinic.get(path)).status == 200) is (path in shown[role]), (role, path)
    assert shown[Role.READER] == {"/ui/search"}
    assert "/ui/access" in shown[Role.AUDITOR]
    assert {"/ui/people", "/ui/retention", "/ui/holds", "/ui/acts"} <= shown[Role.DPO]
    assert "/ui/tokens" in shown[Role.ADMIN]
    assert "/ui/search" not in shown[Role.ADMIN]


async def test_a_link_logs_in_once_and_only_when_its_button_is_pressed(clinic: Site) -> None:
    new = NewToken("root", frozenset({Role.ADMIN}), credential=Credential.LINK)
    code = clinic.made.log.tokens.issue(new)[1]
    await clinic.log_in(Role.ADMIN, "otto")
    assert "not used yet" in (await clinic.page("/ui/tokens")).text
    await clinic.submit("/ui/logout")
    for _ in range(2):
        assert {"type": "hidden", "name": "code", "value": code} in (
            await clinic.page(f"/ui/login/link?code={code}")
        ).all("input")
    assert (await clinic.post("/ui/login/link", [("code", code)])).status == 303
    tokens = await clinic.page("/ui/tokens")
    assert "You logged in by a link that works once" in tokens.text
    assert re.search(r"opened a session on 20[\d: -]{17} , which ends 20", tokens.text)
    assert "not used yet" not in tokens.text
    assert any((box.get("name"), box.get("value")) == ("name", "root") for box in tokens.all("input"))
    assert any(box.get("value") == "admin" and "checked" in box for box in tokens.all("input"))
    page = html(await clinic.post("/ui/login/link", [("code", code)]), 401)
    assert code not in page.source
    assert "tlog token link" in page.text
    assert "/ui/login/link" not in {form.get("action") for form in page.all("form")}
    await clinic.log_in(Role.ADMIN)
    assert "You logged in by a link" not in (await clinic.page("/ui/tokens")).text


async def test_a_link_is_of_use_until_its_login_is_logged(clinic: Site) -> None:
    log = clinic.made.log
    token, code = log.tokens.issue(NewToken("root", frozenset({Role.ADMIN}), credential=Credential.LINK))
    log.sequencer.halt("a witness knows a larger tree")
    refused = await clinic.post("/ui/login/link", [("code", code)])
    assert refused.status == 503
    assert "Set-Cookie" not in refused.headers
    kept = log.tokens.find_link(code)
    assert (kept.token_id, kept.used_at, kept.expires_at) == (token.token_id, None, token.expires_at)
    assert (await clinic.get("/ui/tokens")).status == 303


async def test_of_two_who_come_with_a_link_at_once_one_is_let_in_and_the_other_logged_as_denied(clinic: Site) -> None:
    new = NewToken("root", frozenset({Role.ADMIN}), credential=Credential.LINK)
    code = clinic.made.log.tokens.issue(new)[1]
    answers = await asyncio.gather(*(clinic.post("/ui/login/link", [("code", code)]) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [303, 401, 401, 401]
    assert [entry["outcome"] for entry in stored_own(clinic.made, "tlog.session.open")] == ["allowed"]
    refused = stored_own(clinic.made, "tlog.access.refuse")
    assert sum(entry["details"]["operations"]["ui.login.link"] for entry in refused) == 3


async def test_a_login_that_was_logged_and_then_failed_is_said_to_have_failed(
    clinic: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = clinic.made.log
    token, code = log.tokens.issue(NewToken("root", frozenset({Role.ADMIN}), credential=Credential.LINK))
    record = log.accesses.record

    async def revoked_just_then(access: Access) -> int:
        index = await record(access)
        if access.outcome == "allowed":
            log.tokens.revoke(token.token_id)
        return index

    monkeypatch.setattr(log.accesses, "record", revoked_just_then)
    answer = await clinic.post("/ui/login/link", [("code", code)])
    assert (answer.status, "Set-Cookie" in answer.headers) == (401, False)
    said = stored_own(clinic.made, "tlog.session.open")
    assert [(entry["outcome"], entry["actor"]["id"]) for entry in said] == [("allowed", "root"), ("failed", "root")]


async def test_a_link_leads_to_where_browsers_reach_the_log(tmp_path: Path) -> None:
    """Also behind a proxy that ends TLS and writes a Host of its own."""
    async with running_log(tmp_path / "log") as made, site(made, public_url="https://log.example:443/") as served:
        await served.log_in(Role.ADMIN)
        asked = {"name": "zed", "roles": "auditor", "credential": "link"}
        page = html(await served.submit("/ui/tokens", **asked))
        assert "https://log.example/ui/login/link?code=tlog_" in page.source
        assert "127.0.0.1" not in page.source


async def test_a_link_that_is_over_says_whether_anybody_came_with_it(clinic: Site) -> None:
    tokens = clinic.made.log.tokens
    new = NewToken("jane", frozenset({Role.AUDITOR}), credential=Credential.LINK)
    unused, used = tokens.issue(new)[0], tokens.use_link(tokens.issue(new)[1])
    await clinic.log_in(Role.ADMIN)
    assert "Used not yet" in (await clinic.page(f"/ui/tokens/{unused.token_id}/revoke")).text
    assert "Used 20" in (await clinic.page(f"/ui/tokens/{used.token_id}/revoke")).text
    for token in (unused, used):
        tokens.revoke(token.token_id)
    page = await clinic.page("/ui/tokens")
    assert page.text.count("was never used") == page.text.count("opened a session on") == 1
    assert "which ends" not in page.text


async def test_what_is_over_by_time_is_said_to_be(tmp_path: Path) -> None:
    late = [0]
    async with running_log(tmp_path / "log", now=lambda: now_us() + late[0]) as made, site(made) as served:
        tokens, hour = made.log.tokens, 3_600_000_000
        link = NewToken("jane", frozenset({Role.AUDITOR}), credential=Credential.LINK, expires_at=now_us() + 24 * hour)
        tokens.issue(link)
        tokens.use_link(tokens.issue(replace(link, name="bob"))[1])
        tokens.issue(replace(link, name="carl", credential=Credential.BEARER))
        await served.log_in(Role.ADMIN, "root")
        states = _states(await served.page("/ui/tokens"))
        assert states["jane"].startswith("issued not used yet, until 20")
        assert states["bob"].startswith("in use opened a session on 20")
        assert states["carl"].startswith("issued until 20")
        late[0] = 25 * hour
        await served.log_in(Role.ADMIN, "otto")
        states = _states(await served.page("/ui/tokens"))
        assert states["jane"].startswith("expired 20")
        assert states["jane"].endswith("was never used")
        assert states["bob"].startswith("ended 20")
        assert "which ends" not in states["bob"]
        assert states["carl"].startswith("expired 20")


def _states(page: Html) -> dict[str, str]:
    """What the page says of each credential, by its name."""
    rows = re.findall(r'<th scope="row">(.*?)</th>\s*<td data-label="State">(.*?)</td>', page.source, re.DOTALL)
    return {name: Html(cell).text for name, cell in rows}


async def test_who_logs_in_again_and_again_fills_no_log(tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, requests_per_second=0.001, request_burst=3)
    async with running_log(tmp_path / "log", settings=settings) as made, site(made) as served:
        token = made.token("tim", Role.READER)
        answers = await asyncio.gather(*(served.post("/ui/login", [("token", token)]) for _ in range(20)))
        assert sorted(answer.status for answer in answers) == [303] * 3 + [429] * 17
        assert len(stored_own(made, "tlog.session.open")) == 3
        assert len(stored_own(made)) < 8


async def test_what_anybody_may_send_is_small(clinic: Site) -> None:
    assert (await clinic.post("/ui/login", [("token", "x" * 65_536)])).status == 413


async def test_a_session_of_a_link_ends_when_an_admin_revokes_it(clinic: Site) -> None:
    new = NewToken("jane", frozenset({Role.AUDITOR}), credential=Credential.LINK)
    token, code = clinic.made.log.tokens.issue(new)
    assert (await clinic.post("/ui/login/link", [("code", code)])).status == 303
    clinic.made.log.tokens.revoke(token.token_id)
    assert (await clinic.get("/ui/search")).status == 303

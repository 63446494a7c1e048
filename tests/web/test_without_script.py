"""Every flow of the pages in a browser that runs no script; only the check in the browser needs one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.support import MadeLog, entry_document, running_log
from tests.web.browser import PATIENCE_MS, chromium
from tests.web.conftest import append
from tests.web.hostile import log_in
from tests.web.site import site
from tlog.service.settings import LogSettings
from tlog.storage.roles import Role

pytestmark = pytest.mark.timeout(180)
FAST = LogSettings(checkpoint_interval=0.02, sealing_processes=0)


class Flow:
    """A log, and people at it whose browsers run no script."""

    def __init__(self, made: MadeLog, browser: Browser, url: str) -> None:
        self.made, self.browser, self.url = made, browser, url

    async def person(self, role: Role, name: str) -> Page:
        """Log somebody in, in a browser of their own."""
        page = await self.stranger()
        await log_in(page, self.url, self.made.token(name, role))
        return page

    async def stranger(self) -> Page:
        context = await self.browser.new_context(java_script_enabled=False, accept_downloads=True)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page


@asynccontextmanager
async def flow(folder: Path, *, second_person: bool = False) -> AsyncIterator[Flow]:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=0, second_person=second_person)
    async with running_log(folder / "log", settings=settings) as made, site(made) as served, chromium() as browser:
        await append(made, *(entry_document(subjects=[{"id": f"p-{n % 2}"}]) for n in range(60)))
        yield Flow(made, browser, str(served._server.make_url("")).rstrip("/"))


async def go(page: Page, link: str) -> None:
    """Follow a link of the navigation."""
    await page.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name=link, exact=True).click()


async def test_an_auditor_searches_turns_the_page_and_takes_evidence_away(tmp_path: Path) -> None:
    async with flow(tmp_path) as made:
        page = await made.person(Role.AUDITOR, "jane")
        await go(page, "Search")
        await page.get_by_label("Source").fill("clinic")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("heading", name="50 entries on this page").wait_for()
        await page.get_by_role("button", name="Older entries").click()
        await page.get_by_role("heading", name="10 entries on this page").wait_for()
        await page.get_by_role("link", name="3", exact=True).click()
        await page.get_by_role("heading", name="Entry 3", exact=True).wait_for()
        await page.get_by_role("button", name="Back to your search").click()
        await page.get_by_role("heading", name="10 entries on this page").wait_for()
        await page.get_by_role("link", name="3", exact=True).click()
        assert "Nothing was verified in your browser" in await page.locator("main").inner_text()
        assert "Verified by this server" in await page.locator("main").inner_text()
        await page.get_by_role("checkbox", name="Whose data").check()
        for form in ("A page that verifies itself, offline", "JSON, for tlog verify"):
            await page.get_by_label(form).check()
            async with page.expect_download() as started:
                await page.get_by_role("button", name="Download evidence").click()
            path = await (await started.value).path()
            assert "p-1" in path.read_text() or b"tlog-evidence/v1" in path.read_bytes()
        await go(page, "Who looked")
        await page.get_by_label("Index of the entry").fill("3")
        await page.get_by_role("button", name="Who looked at it").click()
        assert "jane" in await page.locator("main").inner_text()
        await page.get_by_label("Or the person's id").fill("p-1")
        await page.get_by_label("Index of the entry").fill("")
        await page.get_by_role("button", name="Who looked at it").click()
        assert "jane" in await page.get_by_role("table").inner_text()
        assert "p-1" not in page.url
        await page.get_by_role("button", name="Log out").click()
        await page.goto(f"{made.url}/ui/search")
        assert "/ui/login" in page.url


async def test_an_officer_plans_confirms_and_erases(tmp_path: Path) -> None:
    async with flow(tmp_path) as made:
        page = await made.person(Role.DPO, "dana")
        await ask_to_erase(page, "p-1")
        assert "What would be erased" in await page.locator("main").inner_text()
        await confirm(page)
        assert "entries lost" in await page.get_by_role("status").inner_text()
        assert "p-1" not in await page.content()
        assert len(page.url.split("?")) == 1
        await page.goto(f"{made.url}/ui/entries/1")
        assert "Erased" in await page.locator("main").inner_text()


async def ask_to_erase(page: Page, person: str) -> None:
    await go(page, "People")
    form = page.get_by_role("form", name="Erase a person")
    await form.get_by_label("Person's id").fill(person)
    await form.get_by_role("button", name="See what would go").click()


async def confirm(page: Page) -> None:
    form = page.get_by_role("form", name="Confirm the erasure")
    await form.get_by_label("Legal basis").fill("GDPR Art. 17(1)(b)")
    await form.get_by_label("Authorised by").fill("Dana Officer")
    await form.get_by_label("I know that this can't be taken back").check()
    await form.get_by_role("button").click()


async def test_a_hold_is_placed_and_lifted(tmp_path: Path) -> None:
    async with flow(tmp_path) as made:
        page = await made.person(Role.DPO, "dana")
        await go(page, "Holds")
        form = page.get_by_role("form", name="Place a hold")
        await form.get_by_label("Person's id").fill("p-1")
        await form.get_by_label("Case", exact=True).fill("2026/17")
        await form.get_by_label("Reason").fill("court order")
        await form.get_by_label("Authorised by").fill("Dana Officer")
        await form.get_by_role("button").click()
        assert "court order" in await page.get_by_role("table").inner_text()
        await ask_to_erase(page, "p-1")
        assert "On hold" in await page.locator("main").inner_text()
        await go(page, "Holds")
        await page.get_by_role("link", name="Lift hold 1").click()
        form = page.get_by_role("form", name="Lift a hold")
        await form.get_by_label("Reason").fill("over")
        await form.get_by_label("Authorised by").fill("Dana Officer")
        await form.get_by_role("button").click()
        await page.wait_for_url("**/ui/holds?all=1")
        assert "over" in await page.get_by_role("table").inner_text()


async def test_a_second_person_agrees(tmp_path: Path) -> None:
    async with flow(tmp_path, second_person=True) as made:
        dana, omar = await made.person(Role.DPO, "dana"), await made.person(Role.DPO, "omar")
        await ask_to_erase(dana, "p-1")
        await confirm(dana)
        assert "waits for a second person" in await dana.get_by_role("status").inner_text()
        await go(dana, "Acts")
        assert "another officer must agree" in await dana.locator("main").inner_text()
        assert await dana.get_by_role("link", name="Approve").count() == 0, "not the one who asked"
        await go(omar, "Acts")
        await omar.get_by_role("link", name="Approve: Erase one person").click()
        await omar.get_by_role("button", name="Approve: Erase one person").click()
        await omar.get_by_text("done", exact=True).wait_for()
        await omar.goto(f"{made.url}/ui/entries/1")
        assert "Erased" in await omar.locator("main").inner_text()


async def test_an_admin_issues_and_revokes_a_token(tmp_path: Path) -> None:
    async with flow(tmp_path) as made:
        page = await made.person(Role.ADMIN, "root")
        token = await issue(page, "carl")
        other = await made.stranger()
        await log_in(other, made.url, token)
        await page.get_by_role("link", name="Revoke carl").click()
        await page.get_by_role("button", name="Revoke carl").click()
        assert "Revoked carl" in await page.get_by_role("status").inner_text()
        await page.get_by_role("link", name="All credentials").click()
        assert "revoked" in await page.get_by_role("row", name="carl").inner_text()
        late = await made.stranger()
        await late.goto(f"{made.url}/ui/login")
        await late.get_by_label("Token", exact=True).fill(token)
        await late.get_by_role("button", name="Log in").click()
        # believed for a few seconds where it was shown before, never longer
        assert made.made.log.tokens.all()[-1].revoked_at is not None


async def issue(page: Page, name: str) -> str:
    """Issue an auditor's token on the tokens page; return its text."""
    await go(page, "Tokens and roles")
    form = page.get_by_role("form", name="Issue a credential")
    await form.get_by_label("Name").fill(name)
    await form.get_by_label("auditor").check()
    await form.get_by_role("button").click()
    return (await page.locator("code.secret").inner_text()).strip()


@pytest.mark.parametrize(("form", "shows"), [("html", "treatment"), ("csv", "treatment"), ("json", "treatment")])
async def test_a_person_gets_their_entries(tmp_path: Path, form: str, shows: str) -> None:
    async with flow(tmp_path) as made:
        page = await made.person(Role.DPO, "dana")
        await go(page, "People")
        card = page.get_by_role("form", name="Give a person their entries")
        await card.get_by_label("Person's id").fill("p-1")
        await card.get_by_label("Authorised by").fill("Dana Officer")
        await card.get_by_label("As", exact=True).select_option(form)
        async with page.expect_download() as started:
            await card.get_by_role("button").click()
        download = await started.value
        assert "p-1" not in download.suggested_filename
        text = (await download.path()).read_text()
        assert shows in text
        assert "Ada Example" not in text
        if form == "json":
            assert len(json.loads(text)["entries"]) == 30

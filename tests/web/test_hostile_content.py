"""Content that attacks whoever looks at it, in a browser: nothing of it runs, and no page breaks its own policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from tests.support import MadeLog, entry_document, running_log
from tests.web.browser import PATIENCE_MS, chromium
from tests.web.conftest import append
from tests.web.hostile import log_in
from tests.web.site import Site, site
from tlog.storage.roles import Role

pytestmark = pytest.mark.timeout(240)
EVIL = (
    "<script>hit()</script>",
    "</script><script>hit()</script>",
    "<img src=x onerror=hit()>",
    '"><svg onload=hit()>',
    "'><iframe srcdoc='<script>parent.hit()</script>'>",
    "</title></textarea></pre><b id=planted>",
    "javascript:hit()",
    "{{ 7*7 }}{% raw %}",
    "<!--<script>",
    "--><style>*{display:none}</style>",
    "<base href=//evil.example/><meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<form action=//evil.example/><input name=form_token>",
)
LABELS = ("Person's id", "Actor's id", "Source", "Trace or request id")
SECRET = "p-secret-4711"
WATCH = """
globalThis.hits = [];
globalThis.hit = () => hits.push("ran");
addEventListener("securitypolicyviolation", (event) => hits.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


class Watched(NamedTuple):
    """A page whose every message, violation and request is kept."""

    page: Page
    heard: list[str]
    asked: list[tuple[str, str]]


class Place(NamedTuple):
    made: MadeLog
    served: Site
    browser: Browser
    url: str

    async def watched(self, role: Role, name: str) -> Watched:
        page = await (await self.browser.new_context()).new_page()
        page.set_default_timeout(PATIENCE_MS)
        found = Watched(page, [], [])
        await page.add_init_script(WATCH)
        page.on("console", lambda message: found.heard.append(message.text))
        page.on("pageerror", lambda error: found.heard.append(str(error)))
        page.on("dialog", lambda dialog: found.heard.append(dialog.message))
        page.on("request", lambda asked: found.asked.append((asked.url, asked.headers.get("referer", ""))))
        await log_in(page, self.url, self.made.token(name, role))
        return found


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[Place]:
    async with running_log(folder / "log") as made, site(made) as served, chromium() as browser:
        yield Place(made, served, browser, str(served._server.make_url("")).rstrip("/"))


def document(evil: str, number: int) -> dict[str, Any]:
    """An entry with the text in each field that takes any."""
    named = dict.fromkeys(("name", "role", "organization", "user_agent", "session"), evil)
    return entry_document(
        actor={"type": "employee", "id": f"{evil}{number}"} | named,
        purpose=evil,
        legal_basis=evil,
        authorization={"policy": evil, "decision_id": evil, "granted_by": evil},
        targets=[{"type": "record", "id": evil, "name": evil}],
        subjects=[{"id": f"{evil}{number}", "data": {"evil": evil, evil: [evil]}}, {"id": SECRET}],
        correlation={"trace_id": evil, "request_id": evil},
        details={"evil": evil, evil: evil},
    )


async def check(watched: Watched, url: str) -> None:
    """Nothing ran, nothing was refused by the page's policy, nothing stands inline, nothing was planted."""
    page = watched.page
    await page.wait_for_load_state("networkidle")
    hits = await page.evaluate("globalThis.hits")
    inline = await page.evaluate(
        """[...document.querySelectorAll("*")].filter((element) =>
             (element.localName === "script" && !element.src && element.type !== "application/json") ||
             element.localName === "style" || element.localName === "iframe" || element.localName === "base" ||
             element.hasAttribute("style") || [...element.attributes].some(({name}) => name.startsWith("on"))
           ).map((element) => element.outerHTML.slice(0, 200))"""
    )
    planted = await page.locator("#planted, form[action*=evil], a[href^='javascript:']").count()
    assert (hits, inline, planted) == ([], [], 0), (page.url, hits, inline)
    assert watched.heard == [], (page.url, watched.heard)
    assert page.url.startswith(url)


async def test_what_entries_say_does_nothing_on_any_page(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        indices = [await append(at.made, document(evil, number)) for number, evil in enumerate(EVIL)]
        watched = await at.watched(Role.DPO, "dana")
        page = watched.page
        for index in indices:
            await page.goto(f"{at.url}/ui/entries/{index}")
            await page.locator("#verify-said[data-done]").wait_for()
            assert await page.locator("#verify-outcome").inner_text() == "Verified in your browser"
            await check(watched, at.url)
        for evil, label in zip(
            EVIL, cycle(("Person's id", "Actor's id", "Source", "Trace or request id")), strict=False
        ):
            await page.goto(f"{at.url}/ui/search")
            await page.get_by_label(label, exact=True).fill(evil)
            await page.get_by_role("button", name="Search").click()
            await forget_refusals(watched)
            await check(watched, at.url)
        await page.goto(f"{at.url}/ui/search")
        await page.get_by_label("Person's id").fill(SECRET)
        await page.get_by_role("button", name="Search").click()
        assert SECRET in await page.get_by_role("table").inner_text()
        await check(watched, at.url)
        await look_everywhere(watched, at.url)
        require_secret(watched)


async def look_everywhere(watched: Watched, url: str) -> None:
    for path in ("", "witnesses", "compare", "search", "access", "sources", "drills", "people", "retention", "holds"):
        await watched.page.goto(f"{url}/ui/{path}")
        await check(watched, url)
    for path in ("/ui/acts", "/docs", "/ui/holds?all=1", "/ui/login"):
        await watched.page.goto(url + path)
        await check(watched, url)


def require_secret(watched: Watched) -> None:
    """A person's id is in no address and no Referer."""
    assert watched.asked
    assert not [pair for pair in watched.asked if SECRET in pair[0] or SECRET in pair[1]]


async def test_what_officers_and_admins_type_does_nothing(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        await append(at.made, document(EVIL[0], 0))
        officer, admin = await at.watched(Role.DPO, "dana"), await at.watched(Role.ADMIN, "root")
        for evil in EVIL:
            await at.served.log_in(Role.DPO, "omar")
            texts = {"case": evil, "reason": evil, "authorised_by": evil}
            placed = await at.served.submit("/ui/holds", kind="legal-hold", subject=f"{SECRET}-{evil}", **texts)
            assert placed.status in {303, 400}, placed
            await at.served.submit("/ui/holds/lift", hold="1", reason=evil, authorised_by=evil)
        await officer.page.goto(f"{at.url}/ui/holds?all=1")
        assert "<script>hit()" in await officer.page.get_by_role("table").inner_text()
        await check(officer, at.url)
        for evil in EVIL:
            form = officer.page.get_by_role("form", name="Erase a person")
            await officer.page.goto(f"{at.url}/ui/people")
            await form.get_by_label("Person's id").fill(evil)
            await form.get_by_role("button").click()
            await check(officer, at.url)
            await type_a_token(admin.page, at.url, evil)
            await admin.page.get_by_role("alert").wait_for()
            assert await forget_refusals(admin), "a refused form is answered with 4xx, and browsers say so"
            await check(admin, at.url)
        await look_everywhere(officer, at.url)
        require_secret(officer)


async def type_a_token(page: Page, url: str, evil: str) -> None:
    await page.goto(f"{url}/ui/tokens")
    form = page.get_by_role("form", name="Issue a credential")
    await form.get_by_label("Name").fill(evil)
    await form.get_by_label("auditor").check()
    await form.get_by_label("Only these sources").fill(evil)
    await form.get_by_role("button").click()


async def forget_refusals(watched: Watched) -> bool:
    """Forget the console's lines about answers of 4xx; return whether there was one."""
    await watched.page.wait_for_load_state("networkidle")
    said = [
        line for line in watched.heard if "Failed to load resource: the server responded with a status of 4" in line
    ]
    watched.heard[:] = [line for line in watched.heard if line not in said]
    return bool(said)


@pytest.mark.parametrize(
    "path",
    [
        "/ui/<script>hit()</script>",
        "/ui/entries/<img src=x onerror=hit()>",
        "/ui/login?next=%22%3E%3Cscript%3Ehit()%3C/script%3E",
        "/ui/login/link?code=%22%3E%3Cscript%3Ehit()%3C/script%3E",
        "/ui/compare?from=%3Cscript%3Ehit()%3C/script%3E",
        "/ui/acts?kind=%22%3E%3Csvg%20onload=hit()%3E",
        "/ui/retention?until=%3Cscript%3Ehit()%3C/script%3E",
        "/ui/?%3Cscript%3Ehit()%3C/script%3E=1",
        "/docs/%3Cscript%3Ehit()%3C/script%3E",
    ],
)
async def test_what_an_address_says_does_nothing(tmp_path: Path, path: str) -> None:
    async with place(tmp_path) as at:
        watched = await at.watched(Role.DPO, "dana")
        await watched.page.goto(at.url + path)
        await forget_refusals(watched)
        await check(watched, at.url)


async def test_no_other_site_can_frame_a_page_or_make_a_browser_act(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        await append(at.made, entry_document())
        watched = await at.watched(Role.DPO, "dana")
        attack = f"""<!doctype html><iframe id=f src="{at.url}/ui/people"></iframe>
            <form method=post action="{at.url}/ui/logout"><button>win</button></form>"""

        async def lure(_request: web.Request) -> web.Response:
            return web.Response(text=attack, content_type="text/html")

        app = web.Application()
        app.router.add_get("/", lure)
        async with TestServer(app, host="localhost") as evil:
            await watched.page.goto(str(evil.make_url("/")).replace("127.0.0.1", "localhost"))
            await watched.page.wait_for_load_state("networkidle")
            assert [line for line in watched.heard if "frame-ancestors" in line]
            await watched.page.get_by_role("button", name="win").click()
            await watched.page.get_by_role("alert").get_by_text("403").wait_for()
        await watched.page.goto(f"{at.url}/ui/people")
        await watched.page.get_by_role("button", name="Log out").wait_for()


async def test_going_back_after_a_logout_shows_nothing(tmp_path: Path) -> None:
    async with place(tmp_path) as at:
        index = await append(at.made, entry_document())
        watched = await at.watched(Role.AUDITOR, "jane")
        await watched.page.goto(f"{at.url}/ui/entries/{index}")
        assert "p-4711" in await watched.page.content()
        await watched.page.goto(f"{at.url}/ui/")
        await watched.page.get_by_role("button", name="Log out").click()
        await watched.page.get_by_role("link", name="Log in").wait_for()
        for _ in range(3):
            await watched.page.go_back()
            assert "p-4711" not in await watched.page.content()

"""An entry's page in a browser, of a real log before real witnesses, behind a proxy that may change anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Browser, Page

from tests.service.test_evidence import grow, witnessed
from tests.support import MadeLog, append_request, entry_document
from tests.web.browser import PATIENCE_MS, chromium
from tests.web.proxy import Change, Proxy, tampering_proxy
from tests.web.site import site
from tlog.service.erasure_request import ErasureRequest, Person
from tlog.service.principal import Principal
from tlog.storage.roles import Role
from web.words import json_block

PERSON = "p-erased"
_START, _END = '<script type="application/json" id="evidence">', "</script>"


@dataclass(frozen=True, slots=True)
class Hostile:
    """`index` is an entry that a person was erased from; its page is at `url` of the proxy."""

    made: MadeLog
    proxy: Proxy
    browser: Browser
    page: Page
    index: int

    @property
    def url(self) -> str:
        return f"{self.proxy.url}/ui/entries/{self.index}"


class Said(NamedTuple):
    """What the live region of the page says."""

    health: str
    words: str
    why: str


@asynccontextmanager
async def hostile_log(folder: Path) -> AsyncIterator[Hostile]:
    """Run it with a tree of 300 leaves and more, an auditor logged in through the proxy."""
    async with witnessed(folder) as made, site(made) as served, chromium() as browser:
        await grow(made, *(entry_document() for _ in range(3)))
        person = [{"id": PERSON}, {"id": "p-4711", "data": {"fields": ["allergies"], "n": 1.5}}]
        [index] = await grow(made, entry_document(subjects=person))
        await erase(made)
        await made.log.wait("witnessed", (await made.log.appender.append(append_request(300)))[-1].index + 1)
        async with tampering_proxy(str(served._server.make_url("")).rstrip("/")) as proxy:
            page = await browser.new_page()
            page.set_default_timeout(PATIENCE_MS)
            await log_in(page, proxy.url, made.token("jane", Role.AUDITOR))
            yield Hostile(made, proxy, browser, page, index)


async def log_in(page: Page, url: str, token: str) -> None:
    await page.goto(f"{url}/ui/login")
    await page.get_by_label("Token", exact=True).fill(token)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("button", name="Log out").wait_for()


async def erase(made: MadeLog) -> None:
    assert made.log.erasures is not None
    officer = Principal("token", "t1", "dana", frozenset({Role.DPO}))
    asked = ErasureRequest(Person("subject", PERSON), "GDPR Art. 17", "Dana Officer", None, False)
    await made.log.erasures.request(asked, officer, wait=True)


async def opened(page: Page, url: str) -> Said:
    """Open an entry's page; return what it says once it has decided."""
    await page.goto(url)
    return await decided(page)


async def decided(page: Page) -> Said:
    await page.locator("#verify-said[data-done]").wait_for()
    return await said(page)


async def said(page: Page) -> Said:
    """Return what the live region says now."""
    region = page.get_by_role("status").filter(has=page.locator("#verify-outcome"))
    assert await region.count() == 1, "what a screen reader is told of by itself"
    health = await region.get_attribute("data-done") or ""
    return Said(
        health, await region.locator("#verify-outcome").inner_text(), await region.locator("#verify-why").inner_text()
    )


def in_evidence(edit: Callable[[dict[str, Any]], object]) -> Change:
    """Return the change of the evidence within a page: `edit` gets it as JSON data and changes it."""

    def change(path: str, body: bytes) -> bytes:
        if not path.startswith("/ui/entries/"):
            return body
        before, _, rest = body.decode().partition(_START)
        block, _, after = rest.partition(_END)
        document = json.loads(block)
        edit(document)
        return f"{before}{_START}{json_block(json.dumps(document, ensure_ascii=False))}{_END}{after}".encode()

    return change


def at_path(start: str, edit: Callable[[bytes], bytes]) -> Change:
    """Return the change of every answer under a path that begins so."""
    return lambda path, body: edit(body) if path.startswith(start) else body

"""What whoever uses the pages is promised, shown in a real browser before real processes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.accept.promises import shows
from tests.interop.served_log import request
from tests.processes import TLOG, WITNESS, Program, free_port, run, run_json, running
from tests.support import entry_document
from tests.web.browser import PATIENCE_MS, chromium, chromium_path
from tests.web.hostile import at_path, log_in, opened
from tests.web.proxy import tampering_proxy
from tests.web.test_without_script import issue

ORIGIN = "log.example/audit"
PERSON = "p-4711"
COUNT = 300


@shows("page-verifies-in-browser")
def page_verifies_in_browser(folder: Path) -> str:
    """From `tlog init` to a verified page as people do it; then with one tile changed on the way."""
    chromium_path()
    with served(folder) as (log, link):
        writer = run_json([*TLOG, "token", "add", str(folder / "log"), "--source", "clinic", "--json"])["token"]
        lines = [entry_document(subjects=[{"id": PERSON if n == 20 else f"p-{n}"}]) for n in range(COUNT)]
        append(log.url, str(writer), lines)
        return asyncio.run(_in_a_browser(log.url, link))


@contextmanager
def served(folder: Path) -> Iterator[tuple[Program, str]]:
    """Make a log with a witness as the README says; yield the running log and the link for its first admin."""
    vkeys = run_json([*WITNESS, "init", str(folder / "w1"), "--name", "w1.example", "--json"])["vkeys"]
    port = free_port()
    trusted = f"w1={','.join(vkeys)}@http://127.0.0.1:{port}"
    made = run_json([*TLOG, "init", str(folder / "log"), "--origin", ORIGIN, "--witness", trusted, "--json"])
    log_key, *others = made["vkeys"]
    more = [part for vkey in others for part in ("--vkey", vkey)]
    run([*WITNESS, "add-log", str(folder / "w1"), log_key, *more])
    with (
        running([*WITNESS, "serve", str(folder / "w1"), "--port", str(port), "--json"]),
        running([*TLOG, "serve", str(folder / "log"), "--port", "0", "--json"]) as log,
    ):
        yield log, str(made["admin_link"])


def append(url: str, token: str, documents: list[dict[str, Any]]) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    body = "\n".join(map(json.dumps, documents)).encode()
    status, answer = request("POST", f"{url}/v1/entries?wait=witnessed&timeout=30", body, headers)
    assert status == 201, answer


async def _in_a_browser(url: str, link: str) -> str:
    async with chromium() as browser, tampering_proxy(url) as proxy:
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        token = await _auditors_token(page, proxy.url, link)
        await log_in(page, proxy.url, token)
        index = await _found(page, proxy.url)
        address = f"{proxy.url}/ui/entries/{index}"
        said = await opened(page, address)
        assert said.words == "Verified in your browser", said
        when = said.why.partition(". ")[0]
        await page.reload()
        assert "jane" in await page.get_by_role("region", name="Who looked at it").inner_text()
        proxy.tamper(at_path("/tile/0/000", lambda body: bytes([body[0] ^ 1]) + body[1:]))
        said = await opened(page, address)
        assert said.words == "Does not verify in your browser", said
        tile = re.search(r"tile/\S+ does not hash to its place", said.why)
        assert tile is not None, said
        version = browser.version.partition(".")[0]
    return f"Chromium {version}; entry {index}: {when}; changed on the way: {tile[0]}"


async def _auditors_token(page: Page, url: str, link: str) -> str:
    """Log in as the first admin, with the link, which works once; issue an auditor's token; log out."""
    address = url + re.sub(r"^https?://[^/]+", "", link)
    await page.goto(address)
    await page.get_by_role("main").get_by_role("button", name="Log in").click()
    await page.get_by_role("button", name="Log out").wait_for()
    token = await issue(page, "jane")
    await page.get_by_role("button", name="Log out").click()
    await page.get_by_role("link", name="Log in").wait_for()
    await page.goto(address)
    await page.get_by_role("main").get_by_role("button", name="Log in").click()
    assert await page.get_by_role("alert").is_visible(), "the link is used up"
    return token


async def _found(page: Page, url: str) -> int:
    """Search by the person; return the index of the one entry of theirs that the clinic sent."""
    await page.goto(f"{url}/ui/search")
    await page.get_by_label("Person's id").fill(PERSON)
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("heading", name="1 entry on this page").wait_for()
    assert PERSON not in page.url
    await page.get_by_role("table").get_by_role("link").click()
    await page.locator("#verify-said[data-done]").wait_for()
    return int(page.url.rpartition("/")[2])

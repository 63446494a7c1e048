"""A real browser for tests: the Chromium that is installed, never one that is fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Route, async_playwright

from tests.shared import require

PATIENCE_MS = 20_000


def chromium_path() -> str:
    """Return the path of Chromium; skip visibly (or fail, see `require`) where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        require("Chromium is not installed")
    return str(found)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run Chromium without a window for the length of a block."""
    path = chromium_path()
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses to run as root with one
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=sandbox)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(slots=True)
class Offline:
    """A context with the network off. `requests` are the URLs asked for that are no files, `messages` the console's."""

    context: BrowserContext
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    async def open(self, path: Path) -> Page:
        """Open a file from disk."""
        page = await self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        await page.goto(path.as_uri())
        return page


@asynccontextmanager
async def offline(browser: Browser, **options: Any) -> AsyncIterator[Offline]:
    """Open a context that reaches nothing but files: offline, and every other request is aborted and kept."""
    context = await browser.new_context(offline=True, **options)
    found = Offline(context)

    async def only_files(route: Route) -> None:
        if route.request.url.startswith("file:"):
            await route.continue_()
        else:
            found.requests.append(route.request.url)
            await route.abort()

    await context.route("**/*", only_files)
    try:
        yield found
    finally:
        await context.close()


async def outcome(page: Page) -> tuple[str, str]:
    """Wait until the page has decided; return its verdict (`passed`, `failed`) and what it says."""
    await page.wait_for_selector("#outcome.passed, #outcome.failed")
    element = page.locator("#outcome")
    kinds = (await element.get_attribute("class") or "").split()
    return kinds[-1], await element.inner_text()

"""A headless Chromium for tests and pictures; skips visibly (or fails, see `require`) where there is none."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.shared import require


def chromium() -> str:
    """Return the path of the browser's program."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        require("Chromium is not installed")
    return str(found)


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Run it for the length of a block."""
    program = chromium()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield started
        finally:
            await started.close()

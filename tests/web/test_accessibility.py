"""axe-core finds nothing serious on any page, light and dark, wide and narrow; nothing is wider than a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.web.browser import chromium
from tests.web.stage import web_stage
from tests.web.walk import ADMIN, ANYBODY, OFFICER, SECOND, walk

GRAVE = {"serious", "critical"}
VIEWS: tuple[tuple[Literal["light", "dark"], int], ...] = (("light", 1280), ("dark", 360))


def grave(report: dict[str, Any]) -> list[str]:
    return [
        f"{found['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
        for found in report["violations"]
        if found["impact"] in GRAVE
        for node in found["nodes"][:3]
    ]


async def overflow(page: Page) -> int:
    width: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


@pytest.mark.processes
@pytest.mark.timeout(600)
async def test_no_page_has_a_grave_violation_or_needs_scrolling_sideways(tmp_path: Path) -> None:
    axe = Axe()
    faults, seen = [], set()
    async with web_stage(tmp_path) as made, chromium() as chrome:
        for scheme, width in VIEWS:
            context = await chrome.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
            page = await context.new_page()
            async for name in walk(page, made, []):
                seen.add(name)
                faults += [f"{name} {scheme} {width}: {each}" for each in grave((await axe.run(page)).response)]
                if await overflow(page) > 0:
                    faults.append(f"{name} {scheme} {width}: {await overflow(page)} px too wide")
            await context.close()
    assert faults == []
    assert seen == {*ANYBODY, *OFFICER, *SECOND, *ADMIN}

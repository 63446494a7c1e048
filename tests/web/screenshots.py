"""`python -m tests.web.screenshots [DIR]`: every page of a real log, light and dark, wide and narrow, as PNG files."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Page

from tests.web.browser import chromium
from tests.web.stage import WebStage, web_stage
from tests.web.walk import walk

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (1280, 360)


async def shoot(made: WebStage, folder: Path, names: list[str]) -> None:
    """Write the pictures of these pages, of all without names."""
    async with chromium() as chrome:
        for scheme in SCHEMES:
            for width in WIDTHS:
                context = await chrome.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
                page = await context.new_page()
                async for name in walk(page, made, names):
                    await picture(page, folder / f"{name}-{scheme}-{width}.png")
                await context.close()


async def picture(page: Page, file: Path) -> None:
    """Write a picture of a page; says so if it must be scrolled sideways."""
    wide: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        print(f"{file.name}: {wide} px too wide", flush=True)
    await page.evaluate("scrollTo(0, 0)")  # else what sticks to the window is drawn in the middle
    tall: int = await page.evaluate("document.documentElement.scrollHeight")
    size = page.viewport_size or {"width": 1280}
    await page.screenshot(
        path=file, clip={"x": 0, "y": 0, "width": size["width"], "height": min(tall, 3000)}, full_page=True
    )


async def _shoot_all(folder: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="tlog-pages-") as name:
        async with web_stage(Path(name)) as made:
            await shoot(made, folder, names)


def main(argv: list[str]) -> None:
    """Run the program."""
    folder = Path(argv[0] if argv else "build/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_shoot_all(folder, argv[1:]))
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])

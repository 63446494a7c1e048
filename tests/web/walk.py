"""A walk through every page in a browser, as somebody would take it: with forms, never with made-up requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from playwright.async_api import Page

from tests.web.stage import WebStage

Step = Callable[[Page, WebStage], Awaitable[None]]


async def log_in(page: Page, made: WebStage, token: str) -> None:
    await page.goto(f"{made.url}/ui/login")
    await page.get_by_label("Token", exact=True).fill(token)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("button", name="Log out").wait_for()


def at(path: str) -> Step:
    async def step(page: Page, made: WebStage) -> None:
        await page.goto(made.url + path)

    return step


async def _compare(page: Page, made: WebStage) -> None:
    """Compare the newest checkpoint with an earlier one: which sizes were witnessed is a matter of the moment."""
    await page.goto(f"{made.url}/ui/compare")
    await page.get_by_role("link", name="with the newest").last.click()


async def _search(page: Page, made: WebStage) -> None:
    await page.goto(f"{made.url}/ui/search")
    await page.get_by_label("Source").fill("clinic")
    await page.get_by_role("button", name="Search").click()


async def _refused_search(page: Page, made: WebStage) -> None:
    await page.goto(f"{made.url}/ui/search")
    await page.get_by_label("Actor's id").fill("e-7")
    await page.get_by_role("button", name="Search").click()


async def _open_entry(page: Page, made: WebStage, index: int) -> None:
    """Open an entry and wait until the browser has verified it, where the page brings a verifier."""
    await page.goto(f"{made.url}/ui/entries/{index}")
    if await page.locator("script[type=module]").count():
        await page.locator("#verify-said[data-done]").wait_for()


async def _erased_entry(page: Page, made: WebStage) -> None:
    await _open_entry(page, made, made.erased)


async def _entry(page: Page, made: WebStage) -> None:
    await _open_entry(page, made, 70)


async def _plan(page: Page, made: WebStage) -> None:
    await page.goto(f"{made.url}/ui/people")
    form = page.get_by_role("form", name="Erase a person")
    await form.get_by_label("Person's id").fill(made.other)
    await form.get_by_role("button").click()


def waiting(decision: str) -> Step:
    """The page that a link of an act that waits leads to."""

    async def step(page: Page, made: WebStage) -> None:
        await page.goto(f"{made.url}/ui/acts?state=pending")
        await page.get_by_role("link", name=decision, exact=True).first.click()
        await page.get_by_text("Asked for by").wait_for()

    return step


async def _revoke(page: Page, made: WebStage) -> None:
    await page.goto(f"{made.url}/ui/tokens")
    await page.get_by_role("link", name="Revoke otto").click()
    await page.get_by_role("button", name="Revoke otto").wait_for()


ANYBODY: dict[str, Step] = {
    "overview": at("/ui/"),
    "witnesses": at("/ui/witnesses"),
    "compare": _compare,
    "problem": at("/ui/nothing-here"),
    "reference": at("/docs"),
    "login": at("/ui/login"),
}
OFFICER: dict[str, Step] = {
    "search": _search,
    "search-refused": _refused_search,
    "entry": _entry,
    "entry-erased": _erased_entry,
    "sources": at("/ui/sources"),
    "drills": at("/ui/drills"),
    "people": at("/ui/people"),
    "people-plan": _plan,
    "retention": at("/ui/retention?until=2099-12-31"),
    "holds": at("/ui/holds"),
    "hold-lift": at("/ui/holds/1/lift"),
    "acts": at("/ui/acts"),
    "access": at("/ui/access"),
    "act-take-back": waiting("Take back: Lift a hold"),
}
SECOND: dict[str, Step] = {
    "acts-waiting": at("/ui/acts?state=pending"),
    "act": waiting("Lift a hold"),
    "act-approve": waiting("Approve: Erase one person"),
    "act-decline": waiting("Decline: Lift a hold"),
}
"""As the officer who did not ask for what waits."""
ADMIN: dict[str, Step] = {"tokens": at("/ui/tokens"), "token-revoke": _revoke}


async def walk(page: Page, made: WebStage, names: list[str]) -> AsyncIterator[str]:
    """Yield the name of each page once it is open; of these only, where there are names."""
    for steps, token in ((ANYBODY, None), (OFFICER, made.dpo), (SECOND, made.second_dpo), (ADMIN, made.admin)):
        wanted = {name: step for name, step in steps.items() if not names or name in names}
        if wanted and token is not None:
            await log_in(page, made, token)
        for name, step in wanted.items():
            await step(page, made)
            assert await page.get_by_role("heading", name="There is no such thing").count() == 0, name
            yield name

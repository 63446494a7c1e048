"""The reader's own policy on an entry's page: kept in their browser, used from then on, and said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.web.hostile import Hostile, Said, decided, hostile_log, in_evidence, log_in, opened
from tests.web.test_accessibility import grave
from tlog.formats.policy import encode_policy
from tlog.storage.roles import Role

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def hostile(tmp_path: Path) -> AsyncIterator[Hostile]:
    async with hostile_log(tmp_path) as made:
        yield made


def policy_of(made: Hostile) -> str:
    return encode_policy(made.made.log.policy).decode()


async def keep(made: Hostile, text: str) -> None:
    """Paste a policy, as somebody with a keyboard and no mouse does."""
    page = made.page
    summary = page.locator("#own-policy > summary")
    if await page.locator("#own-policy").get_attribute("open") is None:
        await summary.focus()
        await page.keyboard.press("Enter")
    box = page.get_by_label("Your policy, as text")
    await box.fill(text)
    await box.press("Tab")
    await page.keyboard.press("Enter")


async def test_a_pasted_policy_counts_for_every_entry_from_then_on(hostile: Hostile) -> None:
    first = await opened(hostile.page, hostile.url)
    assert "the log's own policy" in first.why
    await keep(hostile, f"# from the auditor's office\n\n{policy_of(hostile).strip()}")
    await hostile.page.get_by_text("Checked under your policy, pasted on 20").wait_for()
    other = await opened(hostile.page, f"{hostile.proxy.url}/ui/entries/1")
    assert other.words == "Verified in your browser"
    assert "under your policy, pasted on 20" in other.why
    assert "another one" not in other.why, "comments and blanks make no other policy"
    await hostile.page.locator("#own-policy > summary").click()
    await hostile.page.get_by_role("button", name="Forget it").click()
    await hostile.page.get_by_text("the log's own policy").wait_for()
    assert await hostile.page.evaluate("document.activeElement.id") == "policy-text", "the focus is somewhere"
    assert "log's own" in (await opened(hostile.page, hostile.url)).why


async def test_a_log_that_weakens_its_own_policy_is_noticed(hostile: Hostile) -> None:
    """Under the policy that it sends along anything verifies; that it is another one is said."""
    weak = policy_of(hostile).replace("quorum q\n", "quorum none\n")
    assert weak != policy_of(hostile)
    await opened(hostile.page, hostile.url)
    await keep(hostile, policy_of(hostile))
    await hostile.page.get_by_text("Checked under your policy").wait_for()
    hostile.proxy.tamper(in_evidence(lambda document: document.update(policy=weak)))
    found = await opened(hostile.page, hostile.url)
    assert found.words == "Verified in your browser", "by the reader's policy, not by the log's"
    assert found.why.endswith("The log's own policy is another one.")


async def test_under_the_policy_of_another_log_nothing_verifies(hostile: Hostile) -> None:
    await opened(hostile.page, hostile.url)
    await keep(hostile, policy_of(hostile).replace("example.com/log", "example.com/other"))
    await hostile.page.get_by_role("alert").get_by_text("Not kept: policy line 1").wait_for()
    vkey = policy_of(hostile).splitlines()
    await keep(hostile, "\n".join(line for line in vkey if not line.startswith("log ")))
    found = await decided_under_own(hostile)
    assert found.words == "Does not verify in your browser"
    assert "the policy lists no log" in found.why or found.why.startswith("policy"), found
    assert "The log's own policy is another one." in found.why


async def decided_under_own(made: Hostile) -> Said:
    await made.page.get_by_text("Checked under your policy").wait_for()
    return await decided(made.page)


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "paste a policy first"), ("hello", "policy line 1: 'hello' is not log"), ("quorum q", "policy line 1")],
)
async def test_what_is_no_policy_is_not_kept_and_is_said(hostile: Hostile, text: str, why: str) -> None:
    await opened(hostile.page, hostile.url)
    await keep(hostile, text)
    alert = hostile.page.get_by_role("alert").filter(has_text="Not kept")
    assert why in await alert.inner_text()
    assert await hostile.page.get_by_label("Your policy, as text").get_attribute("aria-invalid") == "true"
    assert await hostile.page.evaluate("document.activeElement.id") == "policy-text"
    assert await hostile.page.evaluate("localStorage.length") == 0
    assert "log's own" in (await opened(hostile.page, hostile.url)).why


async def test_a_kept_policy_that_can_not_be_read_is_not_passed_over(hostile: Hostile) -> None:
    await opened(hostile.page, hostile.url)
    await hostile.page.evaluate("localStorage.setItem('tlog-policy', 'x')")
    found = await opened(hostile.page, hostile.url)
    assert found.words == "Nothing was verified in your browser"
    assert "cannot be read" in found.why


async def test_a_browser_that_keeps_nothing_uses_it_on_this_page(hostile: Hostile) -> None:
    await hostile.page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error() }})")
    await opened(hostile.page, hostile.url)
    await keep(hostile, policy_of(hostile))
    await hostile.page.get_by_text("Checked under your policy").wait_for()
    await hostile.page.get_by_text("it counts on this page only").wait_for()
    assert "log's own" in (await opened(hostile.page, hostile.url)).why


async def test_the_form_is_usable_and_not_there_without_its_program(hostile: Hostile) -> None:
    await opened(hostile.page, hostile.url)
    await keep(hostile, "hello")
    assert grave((await Axe().run(hostile.page)).response) == []
    assert await hostile.page.get_by_role("textbox", name="Your policy, as text").count() == 1
    context = await hostile.browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await log_in(page, hostile.proxy.url, hostile.made.token("ann", Role.AUDITOR))
    await page.goto(hostile.url)
    assert not await page.locator("#own-policy").is_visible()

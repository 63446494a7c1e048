"""The page of evidence, opened from disk in a real browser that has no network."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Page

from tests.client.material import OTHER_LOG, TIME
from tests.client.material import policy as policy_of
from tests.web.browser import chromium, offline, outcome
from tests.web.material import FIELDS, HOSTILE, case
from tests.web.verdicts import VERIFIED, Asked, python_verdict
from tlog.audit.evidence import Evidence, parse_evidence
from tlog.audit.evidence_html import evidence_in
from tlog.audit.printable import printable_lines
from tlog.client.utc import utc
from tlog.errors import Malformed
from tlog.formats.encoding import b64encode
from tlog.formats.policy import encode_policy, parse_policy
from web import field_words
from web.evidence_page import evidence_page

GOOD = case()
POLICY = encode_policy(policy_of())
SEED = 20261126
SAMPLES = 80


def written(folder: Path, data: bytes, name: str = "case.html") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


async def shown_fields(page: Page) -> dict[str, str]:
    name = "terms => terms.map((term) => (term.querySelector('code') ?? term).textContent)"
    names = await page.locator("#entries-shown dt").evaluate_all(name)
    values = await page.locator("#entries-shown dd").all_text_contents()
    return dict(zip(names, values, strict=True))


async def test_it_verifies_from_disk_and_asks_for_nothing(tmp_path: Path) -> None:
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(written(tmp_path, evidence_page(GOOD)))
        verdict, words = await outcome(page)
        assert verdict == "passed", words
        assert "the log's own word" in words
        assert await page.locator("#entries-shown .when").all_inner_texts() == [
            f"Verified: logged after {utc(TIME + 1)} and at or before {utc(TIME + 11)}."
        ]
        fields = await shown_fields(page)
        assert sorted(fields) == sorted(FIELDS)
        assert fields["seq"] == "9007199254740993", "not rounded to a double"
        assert "Who acted: id actor.id" in await page.locator("#entries-shown dt").all_inner_texts()
        assert await page.locator("#steps-shown details[open]").count() == 0, "what passed is folded"
        steps = await page.locator("#steps-shown li").all_text_contents()
        assert len(steps) > 20
        assert all(": passed" in step for step in steps)
        assert any("against Ed25519 log.example/audit+" in step for step in steps)
        assert any("against ML-DSA-44 cosignature w3.example+" in step for step in steps)
        assert context.requests == []
        assert context.messages == []


async def test_values_of_an_attacker_break_out_of_nothing(tmp_path: Path) -> None:
    hostile: dict[str, Any] = {"details": {HOSTILE: [HOSTILE]}}
    hostile |= dict.fromkeys(("purpose", "actor.id", "actor.name"), HOSTILE)
    evidence = case(**hostile)
    data = evidence_page(evidence)
    assert parse_evidence(evidence_in(data)) == evidence
    text = data.decode()
    assert text.count("<script") == 2, "of the data and of the program"
    assert text.count("</script") == 2
    assert "<!--" not in text
    assert not re.search("[\u2028\u2029\u202e]", text)
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(written(tmp_path, data))
        assert (await outcome(page))[0] == "passed"
        fields = await shown_fields(page)
        assert fields["purpose"].startswith("</script><script>alert(1)</script><!--")
        assert "\u202e" not in "".join(fields.values())
        assert await page.locator("script").count() == 2
        assert context.messages == []


async def test_without_javascript_it_shows_the_fields_and_says_that_nothing_was_verified(tmp_path: Path) -> None:
    async with chromium() as browser, offline(browser, java_script_enabled=False) as context:
        page = await context.open(written(tmp_path, evidence_page(GOOD)))
        assert "Nothing here was verified" in await page.locator("#outcome").inner_text()
        fields = await shown_fields(page)
        assert fields["source"] == "clinic"
        assert fields["actor.name"] == printable_lines(HOSTILE)
        assert "Not verified." in await page.locator("#entries-shown .when").all_inner_texts()
        assert not await page.locator("#trust").is_visible()


async def test_only_its_own_script_and_style_run(tmp_path: Path) -> None:
    """The page's policy goes by hashes: whatever else somebody puts in is not run, and may fetch nothing."""
    changed = evidence_page(GOOD).replace(
        b"<main>",
        b'<main><script>document.title = "taken over"</script><p style="color: red" onclick="x()">x</p>'
        b'<img src="https://attacker.example/pixel"><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
        1,
    )
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(written(tmp_path, changed))
        assert (await outcome(page))[0] == "passed"
        assert await page.title() != "taken over"
        assert context.requests == []
        assert any("Content Security Policy" in message for message in context.messages)
        broken = evidence_page(GOOD).replace(b"use strict", b"use Strict", 1)
        page = await context.open(written(tmp_path, broken, "broken.html"))
        assert "Nothing here was verified" in await page.locator("#outcome").inner_text()


async def test_the_readers_policy_decides(tmp_path: Path) -> None:
    stranger, stricter = encode_policy(policy_of(OTHER_LOG)), encode_policy(policy_of(quorum=3))
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(written(tmp_path, evidence_page(GOOD)))
        await outcome(page)
        for policy, verdict, words in (
            (stricter, "passed", "under the policy that you gave"),
            (stranger, "failed", "log signature, checkpoint 1 of 4 leaves"),
            (b"nonsense\n", "failed", "policy: policy line 1"),
            (stricter.removesuffix(b"\n"), "passed", "under the policy that you gave"),
        ):
            await page.fill("#policy-text", policy.decode())
            await page.focus("#policy-check")
            await page.keyboard.press("Enter")
            await page.wait_for_selector(f"#outcome.{verdict}")
            assert words in await page.locator("#outcome").inner_text()
        await page.set_input_files("#policy-file", written(tmp_path, stranger, "policy.txt"))
        await page.wait_for_selector("#outcome.failed")
        assert "No entry" not in await page.locator("#entries-shown .when").inner_text()
        assert await page.locator("#entries-shown .when").all_inner_texts() == ["Not verified."]
        await page.click("#policy-own")
        await page.wait_for_selector("#outcome.own.passed")


async def test_signatures_that_the_policy_does_not_list_are_named_and_not_counted(tmp_path: Path) -> None:
    note = GOOD.checkpoints[0] + f"\u2014 somebody.example {b64encode(b'abcdefgh')}\n"
    evidence = msgspec.structs.replace(GOOD, checkpoints=[note, GOOD.checkpoints[1]])
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(written(tmp_path, evidence_page(evidence)))
        assert (await outcome(page))[0] == "passed"
        said = await page.locator("#steps-shown li", has_text="not counted").all_text_contents()
        assert len(said) == 1
        assert "'somebody.example'" in said[0]


async def test_a_log_that_made_itself_up_verifies_under_its_own_policy_only(tmp_path: Path) -> None:
    theirs = "log.example/audit"
    assert theirs in encode_policy(policy_of(OTHER_LOG)).decode()
    with_policy = msgspec.structs.replace(GOOD, policy=encode_policy(policy_of(OTHER_LOG)).decode())
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(written(tmp_path, evidence_page(with_policy)))
        verdict, words = await outcome(page)
        assert verdict == "failed"
        assert "log signature" in words


def changed_pages(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yield the page with one character of its evidence changed: sampled places, and every kind of thing."""
    text = data.decode()
    start = text.index('tlog-evidence">') + len('tlog-evidence">')
    end = text.index("</script>", start)
    chosen = random.Random(SEED)
    places = set(chosen.sample(range(start, end), SAMPLES))
    for kind in ('"format"', '"origin"', '"policy"', '"checkpoints"', '"consistency"', '"index"', '"size"', '"after"'):
        places |= {text.index(kind, start) + 1, text.index(kind, start) + len(kind) + 3}
    for kind in (
        '"leaf"',
        '"inclusion"',
        '"disclosures"',
        '"actor.id"',
        '"digests"',
        "\\n\\n",
        "\u2014 w1",
        "\u2014 w3",
    ):
        places |= {text.index(kind, start) + 1, text.index(kind, start) + len(kind) + 8}
    for at in sorted(places):
        new = chosen.choice([char for char in "A1z+/x" if char != text[at]])
        yield at, new, (text[:at] + new + text[at + 1 :]).encode()


async def test_a_changed_character_is_refused_and_what_failed_is_said(tmp_path: Path) -> None:
    """What may change without refusal is what Python passes too: the log's word, and a signature by nobody."""
    data = evidence_page(GOOD)
    refused = 0
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(written(tmp_path, data))
        assert (await outcome(page))[0] == "passed"
        for at, new, changed in changed_pages(data):
            path = written(tmp_path, changed)
            await page.goto(path.as_uri())
            verdict, words = await outcome(page)
            expected = own_verdict(changed)
            assert (verdict == "passed") is (expected == VERIFIED), (at, new, words, expected)
            if verdict == "failed":
                refused += 1
                assert words.startswith("Not verified. What failed: ")
                assert len(words) > 40
                assert await page.locator("#entries-shown .when", has_text="Verified:").count() == 0
        assert context.requests == []
    assert refused > SAMPLES * 0.9


def own_verdict(page: bytes) -> str:
    """What Python says of the evidence in a page under the policy that is in it."""
    block = evidence_in(page)
    try:
        own: Evidence = parse_evidence(block)
        parse_policy(own.policy.encode())
    except Malformed:
        return "format"
    return python_verdict(Asked("", block, own.policy.encode())).check


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_can_be_read_on_a_phone_by_keyboard_and_on_paper(tmp_path: Path, scheme: str) -> None:
    phone = {"width": 360, "height": 640}
    async with chromium() as browser, offline(browser, viewport=phone, color_scheme=scheme) as context:
        page = await context.open(written(tmp_path, evidence_page(GOOD)))
        await outcome(page)
        wide = "document.documentElement.scrollWidth"
        assert await page.evaluate(wide) <= 360
        outcome_box = page.locator("#outcome")
        assert await outcome_box.get_attribute("role") == "status"
        assert await outcome_box.get_attribute("aria-live") == "polite"
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        for name in ("policy-text", "policy-file"):
            assert await page.locator(f"label[for={name}]").count() == 1
        assert contrast(await page.evaluate(_COLOURS)) >= 4.5
        await page.emulate_media(media="print")
        assert not await page.locator("#policy-text").is_visible()
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        await page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert await page.locator("#steps-shown details:not([open])").count() == 0


async def test_an_empty_policy_box_says_what_it_is_for(tmp_path: Path) -> None:
    async with chromium() as browser, offline(browser) as context:
        page = await context.open(written(tmp_path, evidence_page(GOOD)))
        before = await outcome(page)
        await page.locator("#policy-check").click()
        assert await page.locator("#policy-problem").inner_text() == "Paste a policy first."
        assert await outcome(page) == before


def test_a_field_has_the_same_word_in_the_page_before_and_after_the_script_ran() -> None:
    script = (Path(__file__).parents[2] / "web/static/evidence/field_words.js").read_text()
    words = script.partition("const WORDS = {")[2].partition("};")[0]
    assert dict(re.findall(r'(\w+): "([^"]+)"', words)) == field_words.WORDS
    for table, name in ((field_words.GROUPS, "GROUPS"), (field_words.WHOLE, "WHOLE")):
        line = script.partition(f"const {name} = {{")[2].partition("}")[0]
        assert dict(re.findall(r'(\w+): "([^"]+)"', line)) == table
    shown = evidence_page(GOOD).decode()
    assert "<dt>Who acted: id <code>actor.id</code></dt>" in shown


_COLOURS = """() => [
  getComputedStyle(document.querySelector(".when")).color,
  getComputedStyle(document.body).backgroundColor,
]"""


def contrast(colours: list[str]) -> float:
    """Return the contrast of two CSS colours (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("Object.defineProperty(globalThis, 'crypto', { value: {} })", "there is no WebCrypto here"),
        (
            "Object.defineProperty(globalThis, 'crypto', { get() { throw new Error('out of order') } })",
            "failed: Error: out of order",
        ),
        (
            "crypto.subtle.importKey = async () => { throw new DOMException('', 'NotSupportedError') }",
            "this browser cannot check Ed25519 signatures",
        ),
    ],
)
async def test_a_browser_that_can_not_verify_says_so(tmp_path: Path, script: str, words: str) -> None:
    async with chromium() as browser, offline(browser) as context:
        await context.context.add_init_script(script)
        page = await context.open(written(tmp_path, evidence_page(GOOD)))
        verdict, said = await outcome(page)
        assert verdict == "failed"
        assert words in said
        assert await page.locator("#entries-shown .when").all_inner_texts() == ["Not verified."]


def test_the_same_evidence_makes_the_same_bytes() -> None:
    assert evidence_page(GOOD) == evidence_page(parse_evidence(GOOD.encode()))


def test_the_licences_go_with_every_copy() -> None:
    text = evidence_page(GOOD).decode()
    assert "General Public License" in text
    for package in ("noble-curves", "noble-hashes", "noble-post-quantum"):
        assert f"{package}:\n\nThe MIT License (MIT)" in text

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.audit.access_material import HIDDEN, PERSON, export, planted, shown
from tests.support import entry_document
from tests.web.browser import chromium, offline
from tlog.audit.subject_access import SubjectAccess, Unreadable
from web.subject_access_page import subject_access_page

SCRIPT = "<script>alert('x')</script>"
BREAKERS = (SCRIPT, '"><img src=x onerror=alert(1)>', "{{ 7*7 }}", "</style><b>", "'\"&<>")
ACTIVE = {"script", "iframe", "object", "embed", "link", "img", "form", "base", "a", "svg", "video", "audio"}


class Tags(HTMLParser):
    """Every element with its attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(made: SubjectAccess) -> Tags:
    tags = Tags()
    tags.feed(subject_access_page(made).decode())
    return tags


def test_nothing_in_it_runs_or_is_loaded() -> None:
    page = subject_access_page(export(shown(planted()))).decode()
    tags = parsed(export(shown(planted())))
    assert not ACTIVE & set(tags.tags)
    assert not [name for name in tags.attributes if name.startswith("on") or name in {"src", "href", "style"}]
    assert "url(" not in page
    assert "@import" not in page


def test_its_policy_allows_its_own_style_sheet_and_nothing_else() -> None:
    page = subject_access_page(export()).decode()
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.replace("&#39;", "'").startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "@media print" in style
    assert "prefers-color-scheme: dark" in style


@pytest.mark.parametrize("text", BREAKERS)
def test_every_value_is_escaped(text: str) -> None:
    document = entry_document(
        purpose=text,
        legal_basis=text,
        actor={"type": "patient", "id": text, "name": text, "role": text, "organization": text, "user_agent": text},
        subjects=[{"id": text, "data": {text: text}}],
        targets=[{"type": "record", "id": text, "name": text}],
        details={text: text},
    )
    told = shown(document, person=text, include_details=True)
    plain, odd = (
        parsed(
            export(shown(document | {"purpose": "x"}, person=text, include_details=True), notice="x", limited_to="x")
        ),
        parsed(export(told, subject=text, notice=text, limited_to=text, origin=text)),
    )
    assert odd.tags == plain.tags, "a value made an element"
    assert odd.attributes == plain.attributes
    assert odd.text.count(text) > 8


def test_nobody_else_is_in_it() -> None:
    text = subject_access_page(export(shown(planted()))).decode().casefold()
    assert not [word for word in HIDDEN if word.casefold() in text]
    assert PERSON in text


def test_it_says_what_is_in_it_and_what_is_not() -> None:
    damaged = Unreadable(index=7, received_at="2026-03-01T09:30:00Z", source="clinic", action="a.b", problem="broken")
    text = parsed(export(shown(planted()), unreadable=(damaged,))).text
    for said in (
        *("treatment", "employee, nurse, City Hospital", "2026-03-01 09:30:00 UTC", "tree size 1000"),
        *("What is not in here, and why", "finding misuse", "Entries that can't be read", "broken", "allergies"),
    ):
        assert said in text, said


def test_an_export_without_entries_says_so() -> None:
    notice = "This log has no entries about you."
    text = parsed(export(known=False, notice=notice)).text
    assert notice in text
    assert "Summary" not in text


def test_deep_nesting_does_not_make_a_page_huge() -> None:
    deep: object = [1] * 5000
    for _ in range(50):
        deep = [deep]
    person = {"id": PERSON, "data": {"deep": deep}}
    page = subject_access_page(export(shown(entry_document(subjects=[person]))))
    assert len(page) < 100_000


BROKEN_WORDS = """() => {
  const broken = [];
  for (const cell of document.querySelectorAll("th, td")) {
    for (const node of cell.childNodes) {
      for (const word of node.nodeType === Node.TEXT_NODE ? node.data.matchAll(/\\S+/g) : []) {
        const range = new Range();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const hidden = getComputedStyle(cell.parentElement.parentElement).position === "absolute";
        if (!hidden && range.getClientRects().length > 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""


async def test_it_needs_no_scrolling_sideways_on_a_phone(tmp_path: Path) -> None:
    damaged = Unreadable(index=7, received_at="2026-03-01T09:30:00Z", source="clinic", action="a.b", problem="broken")
    file = tmp_path / "access.html"
    file.write_bytes(subject_access_page(export(shown(planted()), unreadable=(damaged,))))
    async with chromium() as browser, offline(browser, viewport={"width": 360, "height": 640}) as context:
        page = await context.open(file)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        assert await page.evaluate(BROKEN_WORDS) == []

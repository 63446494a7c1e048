"""docs/privacy.md: every rule names tests that are there; and nothing in the product claims too much."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.accept.promises import promises
from tests.docs.pages import ROOT, page
from tests.docs.test_specs import definitions

PRIVACY = page("docs/privacy.md")
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
SLUG = re.compile(r"accept `([a-z-]+)`")
CLAIM = re.compile(r"anonym|gdpr[- ]compliant|compliant with (?:the )?gdpr|gdpr[- ]ready", re.IGNORECASE)
DENIED = re.compile(r"no anonymisation|claims neither anonymity|claims_anonymity", re.IGNORECASE)


def rules() -> list[list[str]]:
    return [cells for cells in PRIVACY.rows() if re.match(r"\d+\. ", cells[0])]


def test_all_fifteen_rules_are_there() -> None:
    assert [int(cells[0].split(".")[0]) for cells in rules()] == list(range(1, 16))


def test_every_rule_has_a_test_or_says_that_it_is_not_built() -> None:
    for rule, tests in rules():
        assert TEST.search(tests) or SLUG.search(tests) or tests == "not built yet", rule


@pytest.mark.parametrize(("path", "name"), sorted(set(TEST.findall(PRIVACY.text))))
def test_every_test_named_is_there(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert not name or name in definitions(path)


def test_every_promise_named_is_made() -> None:
    assert set(SLUG.findall(PRIVACY.text)) <= set(promises())


def test_nothing_claims_anonymity_or_compliance() -> None:
    """What ships, and what describes it: sources, templates and documentation."""
    listed = subprocess.run(  # noqa: PLW1510 - the return code is looked at
        ["git", "ls-files", "tlog", "web", "witness", "docs", "*.md"], cwd=ROOT, capture_output=True, text=True
    )
    paths = [path for path in listed.stdout.split() if (ROOT / path).suffix in {".py", ".md", ".toml", ".html", ".js"}]
    if listed.returncode != 0 or not paths:
        pytest.skip("not a git checkout")
    for path in paths:
        text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
        claims = [line for line in text.splitlines() if CLAIM.search(line) and not DENIED.search(line)]
        assert not claims, (path, claims)

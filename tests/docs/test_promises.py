"""The README's promises are those that `make accept` shows, word for word."""

from __future__ import annotations

import ast
import re

import pytest

from tests.docs.pages import ROOT, page
from tests.shared import require

ELSEWHERE = {"public-tools-agree": "tests/interop"}
SLUG = re.compile(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`")


def promises() -> dict[str, str]:
    rows = (cells for cells in page("README.md").rows() if len(cells) == 2)
    return {found[1]: text for slug, text in rows if (found := SLUG.fullmatch(slug))}


@pytest.fixture(scope="module")
def shown() -> set[str]:
    """Every string in the sources of `make accept`."""
    files = sorted((ROOT / "tests/accept").rglob("*.py"))
    if not files:
        require("there is no tests/accept in this checkout")
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {node.value for node in nodes if isinstance(node.value, str)}


def test_there_are_promises_to_all_three() -> None:
    assert len(promises()) > 12
    for whom in ("services", "witness operators", "auditors"):
        assert f"### To {whom}" in page("README.md").text


@pytest.mark.parametrize("slug", sorted(set(promises()) - set(ELSEWHERE)))
def test_each_promise_is_shown_in_the_same_words(slug: str, shown: set[str]) -> None:
    assert slug in shown
    assert promises()[slug].rstrip(".") in {text.rstrip(".") for text in shown}


def test_what_is_shown_elsewhere_is_there() -> None:
    for slug, folder in ELSEWHERE.items():
        assert slug in promises()
        assert list((ROOT / folder).glob("test_*.py"))

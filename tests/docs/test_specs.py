"""docs/specs.md names functions and tests: each of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.pages import ROOT, page

SPECS = page("docs/specs.md")
CODE = re.compile(r"((?:tlog|witness)/[\w/]+\.py):([\w.]+)")
TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


@cache
def definitions(path: str) -> frozenset[str]:
    """The functions, classes and methods (`Class.method`) that a file defines."""
    names: set[str] = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            members = (item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef))
            names.update(f"{node.name}.{item.name}" for item in members)
    return frozenset(names)


@pytest.mark.parametrize(("path", "name"), sorted(set(CODE.findall(SPECS.text))))
def test_every_function_named_is_there(path: str, name: str) -> None:
    assert name in definitions(path)


@pytest.mark.parametrize(("path", "name"), sorted(set(TEST.findall(SPECS.text))))
def test_every_test_named_is_there(path: str, name: str) -> None:
    assert name in definitions(path)


def test_every_rule_has_code_and_a_test_or_says_that_it_has_not() -> None:
    rows = [cells for cells in SPECS.rows() if len(cells) == 3 and cells[0] != "rule"]
    assert len(rows) > 70
    for rule, code, test in rows:
        complete = CODE.search(code) and TEST.search(test)
        assert complete or "**not implemented**" in code or "**no test**" in test, rule

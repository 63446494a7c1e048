"""The README's promises, and the checks of `make accept` that show them, which take their words from there."""

from __future__ import annotations

import re

from tests.accept import __main__ as accept
from tests.accept.promises import CHECKS, INTEROP, promises
from tests.docs.pages import ROOT, page


def test_each_promise_is_shown_and_nothing_else_is() -> None:
    assert accept.__doc__, "importing it registers the checks"
    assert set(promises()) == {*CHECKS, INTEROP}
    assert len(promises()) > 12
    assert list((ROOT / "tests/interop").glob("test_*.py"))


def test_every_row_under_promises_is_read_as_one() -> None:
    section = page("README.md").text.partition("## Promises")[2].partition("## Quick start")[0]
    rows = [line for line in section.splitlines() if line.startswith("|") and not re.match(r"\| slug|\|-", line)]
    assert len(rows) == len(promises())
    for whom in ("services", "witness operators", "auditors"):
        assert f"### To {whom}" in section

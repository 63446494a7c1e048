"""The README's promises, and the checks of `make accept` that show them, which take their words from there."""

from __future__ import annotations

from tests.accept import __main__ as accept
from tests.accept.promises import CHECKS, INTEROP, promises
from tests.docs.pages import ROOT, page

HEAD = ("| slug |", "|---")


def test_each_promise_is_shown_and_nothing_else_is() -> None:
    assert accept.__doc__, "importing it registers the checks"
    assert set(promises()) == {*CHECKS, INTEROP}
    assert len(promises()) > 12
    assert list((ROOT / "tests/interop").glob("test_*.py"))


def test_every_row_under_promises_is_read_as_one() -> None:
    rows = [line for line in section().splitlines() if line.startswith("|") and not line.startswith(HEAD)]
    assert len(rows) == len(promises())
    for whom in ("services", "witness operators", "auditors", "data protection officers"):
        assert f"### To {whom}" in section()


def test_every_row_stands_in_a_table_with_a_head() -> None:
    """Markdown ends a table at an empty line: a row after it is shown as text."""
    assert section().count("| slug |") == section().count("### To ")
    before = ""
    for line in section().splitlines():
        if line.startswith("| `"):
            assert before.startswith("|"), f"outside of its table: {line}"
        before = line


def test_the_promise_that_make_accept_does_not_show_is_named() -> None:
    assert f"`{INTEROP}` needs Go and the network and is shown by `make interop`." in section()


def section() -> str:
    return page("README.md").text.partition("## Promises")[2].partition("## Quick start")[0]

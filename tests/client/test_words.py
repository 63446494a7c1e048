from __future__ import annotations

import pytest

from tlog.client.words import counted


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (12_345_678, "12345678 entries"), (1.5, "1.5 entries")],
)
def test_a_number_agrees_with_its_noun(number: float, text: str) -> None:
    assert counted(number, "entry", "entries") == text


def test_most_nouns_take_an_s() -> None:
    assert (counted(1.0, "second"), counted(3, "second")) == ("1 second", "3 seconds")

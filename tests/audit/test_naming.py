from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.audit.naming import Names, names_person

LETTERS = st.text(alphabet="abAB 1-_.ßſé", max_size=12)


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("treatment by Dr. Ada Example", "dr. ada example", True),
        ("asked by e-7", "e-7", True),
        ("asked by e-77", "e-7", False),
        ("asked by me-7", "e-7", False),
        ("a record", "a", True),
        ("arecord", "a", False),
        ("Ｅ-1007 asked", "e-1007", True),
        ("xe-1007x", "e-1007", True),
        ("STRASSE 12", "straße", True),
        ("", "a", False),
    ],
)
def test_a_name_is_found_however_it_is_written_and_a_short_one_as_a_word(text: str, name: str, found: bool) -> None:
    assert names_person(text, name) is found
    assert Names([name]).are_in(text) is found


@given(LETTERS, st.lists(LETTERS.filter(bool), max_size=5))
def test_many_names_are_found_as_each_of_them_is(text: str, names: list[str]) -> None:
    assert Names(names).are_in(text) is any(names_person(text, name) for name in names)


def test_nobody_is_in_no_text() -> None:
    assert not Names([]).are_in("anything")
    assert not Names(["", ""]).are_in("anything")

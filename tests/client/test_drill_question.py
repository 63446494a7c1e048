from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.drill_desk import entry_of
from tlog.audit.fields import microseconds
from tlog.client.drill_question import DAY, HOUR, questions


@given(st.integers(0, 2**32))
def test_the_entry_is_somewhere_in_every_window(seed: int) -> None:
    entry = entry_of(1234)
    moment = microseconds(entry["occurred_at"])
    asked = questions(entry, Random(seed))
    assert [question.end - question.start for question in asked] == [DAY, DAY, HOUR]
    for question in asked:
        assert question.start <= moment < question.end
        filters = question.filters()
        assert microseconds(filters["occurred_from"]) == question.start
        assert not {"index", "id"} & set(filters)
        assert entry["occurred_at"] not in filters.values() or question.start == moment


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        ({"subjects": [None, {"id": "p-2"}]}, ["subject", "target", "actor"]),
        ({"subjects": [None]}, ["target", "actor"]),
        ({"subjects": [None], "targets": None}, ["actor"]),
        ({"subjects": None, "targets": None, "actor": None}, ["source"]),
        ({"actor": {"name": "only a name"}}, ["subject", "target"]),
    ],
)
def test_what_an_erased_entry_still_offers_is_used(changed: dict[str, Any], kinds: list[str]) -> None:
    entry = {name: value for name, value in (entry_of(1) | changed).items() if value is not None}
    asked = questions(entry, Random(1))
    assert [next(iter(question.values)).partition("_")[0] for question in asked] == kinds
    if kinds == ["source"]:
        assert asked[0].values == {"source": "clinic", "action": "patient.record.read"}


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
def test_clocks_at_the_ends_of_the_calendar(edge: str) -> None:
    for seed in range(20):
        for question in questions(entry_of(1) | {"occurred_at": edge}, Random(seed)):
            assert question.filters()["occurred_from"] <= edge


def test_its_text_form_says_nobody() -> None:
    assert "p-1" not in repr(questions(entry_of(1), Random(1)))

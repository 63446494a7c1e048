from __future__ import annotations

import pytest

from tlog.http.errors import BadParameter
from web.forms import body_of


def test_empty_fields_are_left_out_and_dots_make_objects() -> None:
    fields = [("actor.type", "employee"), ("actor.id", " e-7 "), ("reason", ""), ("form_token", "x")]
    assert body_of(fields, ignored=["form_token"]) == {"actor": {"type": "employee", "id": "e-7"}}


def test_numbers_flags_and_lists() -> None:
    fields = [("hold", "7"), ("by_case", "1"), ("disclose", "core"), ("disclose", "actor")]
    made = body_of(fields, numbers=["hold"], flags=["by_case"], lists=["disclose"])
    assert made == {"hold": 7, "by_case": True, "disclose": ["core", "actor"]}


@pytest.mark.parametrize(
    "fields",
    [
        [("a", "1"), ("a", "2")],
        [("actor", "x"), ("actor.id", "y")],
        [("actor.id", "y"), ("actor", "x")],
        [("hold", "-1")],
        [("hold", "x")],
        [("a", object())],
    ],
)
def test_what_a_form_can_not_have_sent_is_refused(fields: list[tuple[str, object]]) -> None:
    with pytest.raises(BadParameter):
        body_of(fields, numbers=["hold"])

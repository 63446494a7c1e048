from __future__ import annotations

import pytest

from tlog.http.answers.problem import FaultAnswer, Problem
from web.labels import faults_of, in_labels, label_of


@pytest.mark.parametrize(
    ("refusal", "shown"),
    [
        ("days: from 1 to 3660", "Valid for days: from 1 to 3660"),
        ("occurred_to: it must be after occurred_from", "Occurred before: it must be after “Occurred from”"),
        ("a hold needs a scope: subject, by_case", "a hold needs a scope: subject, “Entries that name the case”"),
        (
            "a hold needs a scope: subject, source, occurred_from, occurred_to or by_case",
            "Say what it covers: a person, a source, a time, or the entries that name the case.",
        ),
        ("name either subject or index", "Give either the index of an entry, or a person's id."),
        ("the log is full", "the log is full"),
    ],
)
def test_a_refusal_names_what_stands_on_the_page(refusal: str, shown: str) -> None:
    assert in_labels(refusal) == shown


def test_a_page_has_words_of_its_own() -> None:
    own = {"actor_type": "Kind of who looked"}
    said = "actor_type: missing; give actor_type and actor_id together"
    assert in_labels(said, own) == "Kind of who looked: missing; give “Kind of who looked” and “Actor's id” together"
    assert label_of("actor_type", own) == "Kind of who looked"


def test_a_path_has_the_label_of_its_field() -> None:
    assert [label_of(path) for path in ("actor.type", "roles[2]", "unheard")] == ["Actor's type", "Roles", "unheard"]


def test_a_fault_stands_beside_its_field() -> None:
    problem = Problem(type="t", title="t", status=400, detail="days: not a whole number")
    assert faults_of(problem) == {"days": "not a whole number"}
    listed = Problem(type="t", title="t", status=400, detail="d", errors=[FaultAnswer(path="roles[0]", detail="x")])
    assert faults_of(listed) == {"roles": "x"}
    assert faults_of(None) == {}

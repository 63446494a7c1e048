from __future__ import annotations

import pytest

from tlog.http.rules import RULES
from tlog.service.acts import PURPOSES
from tlog.service.principal import OPERATOR
from tlog.service.read_note import READ_OFFLINE
from web.access_words import ACTIONS, action_words, did_words, kind_words
from web.rules import OWN


def test_every_action_that_the_log_writes_of_a_request_has_words() -> None:
    actions = {rule.action for rule in (*RULES.values(), *OWN.values())} | {f"tlog.{kind}" for kind in PURPOSES}
    assert {*actions, READ_OFFLINE} <= set(ACTIONS)
    assert kind_words(OPERATOR) != OPERATOR


def test_no_two_actions_have_the_same_words() -> None:
    assert len(set(ACTIONS.values())) == len(ACTIONS)


@pytest.mark.parametrize(
    ("operation", "details", "did"),
    [
        ("ui.people.plan", {}, "tried out an erasure of one person"),
        ("ui.people.erase", {}, "asked to erase one person"),
        ("erase", {"waiting": ["a"]}, "asked to erase one person"),
        ("erase", {"running": "a"}, "asked to erase one person"),
        ("erase", {}, "asked to erase one person, or tried it out"),
    ],
)
def test_a_dry_run_of_an_erasure_is_told_from_the_request(operation: str, details: dict[str, object], did: str) -> None:
    assert did_words("tlog.erasure.request", operation, details) == did


def test_what_has_no_words_stands_for_itself() -> None:
    assert action_words("patient.record.read") == "patient.record.read"
    assert (kind_words("tlog-user"), kind_words("employee")) == ("person", "employee")

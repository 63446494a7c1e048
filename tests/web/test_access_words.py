from __future__ import annotations

from tlog.http.rules import RULES
from tlog.service.acts import PURPOSES
from tlog.service.principal import OPERATOR
from tlog.service.read_note import READ_OFFLINE
from web.access_words import ACTIONS, action_words, kind_words
from web.rules import OWN


def test_every_action_that_the_log_writes_of_a_request_has_words() -> None:
    actions = {rule.action for rule in (*RULES.values(), *OWN.values())} | {f"tlog.{kind}" for kind in PURPOSES}
    assert {*actions, READ_OFFLINE} <= set(ACTIONS)
    assert kind_words(OPERATOR) != OPERATOR


def test_what_has_no_words_stands_for_itself() -> None:
    assert action_words("patient.record.read") == "patient.record.read"
    assert (kind_words("tlog-user"), kind_words("employee")) == ("person", "employee")

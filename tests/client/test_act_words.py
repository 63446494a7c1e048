from __future__ import annotations

from typing import Any

import pytest

from tlog.client.act_words import STATES, act_details, act_in_words
from tlog.storage.act_store import ActKind, ActState

GRANT = {
    "by": "root",
    "name": "jane",
    "roles": ["auditor", "dpo"],
    "sources": ["clinic", "shop"],
    "credential": "link",
    "until": "2026-03-01T09:30:00.000000Z",
}


@pytest.mark.parametrize(
    ("kind", "said", "what"),
    [
        ("erasure", {"role": "subject"}, "Erase one person"),
        ("erasure", {"role": "actor"}, "Erase one person who acted"),
        ("grant", GRANT, "Grant access to jane as auditor and dpo"),
        ("grant", None, "Grant access"),
        ("lift", None, "Lift a hold"),
        ("a-kind-to-come", None, "a-kind-to-come"),
    ],
)
def test_what_is_done(kind: str, said: dict[str, Any] | None, what: str) -> None:
    assert act_in_words(kind, said) == what


def test_who_would_get_what_until_when() -> None:
    assert act_details("grant", GRANT) == [
        ("Asked for by", "root"),
        ("By", "a link that logs in once"),
        ("Limited to", "sources clinic, shop"),
        ("Ends", "2026-03-01 09:30:00 UTC"),
    ]
    unlimited = act_details("grant", {"name": "jane", "roles": ["admin"], "credential": "bearer"})
    assert unlimited[1:] == [
        ("Limited to", "no limit: all sources and classes"),
        ("Ends", "not before it is revoked"),
    ]


def test_on_whose_word_and_how_far() -> None:
    said = {"by": "dana", "authorised_by": "D. Officer", "legal_basis": "Art. 17", "reason": "asked", "entries": 1}
    assert [text for _, text in act_details("erasure", said)] == ["dana", "D. Officer", "Art. 17", "asked", "1 entry"]


def test_how_far_what_waits_would_reach() -> None:
    lift = {"hold": 3, "entries": 10_000, "entries_or_more": True}
    assert act_details("lift", lift) == [("Hold", "3"), ("The hold covers now", "10000 entries or more")]
    assert act_details("expiry", {"cohort": "short/2026-03", "entries": 0, "held": 1}) == [
        ("Cohort", "short/2026-03"),
        ("Would expire now", "0 entries"),
        ("On hold, and kept", "1 entry"),
    ]


def test_every_state_and_kind_has_words() -> None:
    assert {str(state) for state in ActState} == set(STATES)
    assert all(act_in_words(str(kind), None) != str(kind) for kind in ActKind)

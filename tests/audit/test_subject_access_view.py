from __future__ import annotations

import msgspec
import pytest

from tests.audit.access_material import (
    ACTOR,
    EMPLOYEE_WORDS,
    HIDDEN,
    OTHER,
    OTHER_WORDS,
    PERSON,
    SHARED_WORDS,
    TECHNICAL_WORDS,
    opened,
    planted,
    shown,
    viewed,
)
from tests.support import entry_document
from tlog.audit.subject_access import AccessActor, AccessTarget
from tlog.audit.subject_access_view import LEFT_OUT, SELF_TYPES, Viewer, names_of
from tlog.errors import MalformedDisclosure


def text_of(entry: object) -> str:
    return msgspec.json.encode(entry).decode().casefold()


def test_the_planted_words_are_in_the_entry() -> None:
    text = text_of(planted())
    assert all(word.casefold() in text for word in HIDDEN)


def test_nothing_that_names_the_employee_or_others_is_shown() -> None:
    entry = shown(planted())
    assert not [word for word in HIDDEN if word.casefold() in text_of(entry)]
    assert entry.actor == AccessActor(type="employee", role="nurse", organization="City Hospital")
    assert (entry.named_as, entry.others) == (["subject"], True)
    assert entry.data == {"fields": ["allergies"], "read_by": LEFT_OUT, LEFT_OUT: "brother"}
    assert entry.targets == [AccessTarget(type="record")]
    assert entry.left_out == [
        *("actor.id", "actor.name", "actor.ip", "actor.user_agent", "actor.session"),
        *("data (in part)", "targets.id", "targets.name", "details", "authorization", "correlation"),
    ]


def test_details_are_shown_when_asked_for_without_whom_the_entry_names() -> None:
    entry = shown(planted(), include_details=True)
    assert entry.details == {"note": "note-hidden-31", "asked_by": LEFT_OUT, "also": [LEFT_OUT, 3]}
    assert entry.targets == [AccessTarget(type="record", id="target-hidden-55", name="Record of somebody")]
    assert all(word.casefold() in text_of(entry) for word in SHARED_WORDS)
    hidden = (*EMPLOYEE_WORDS, *OTHER_WORDS, *TECHNICAL_WORDS)
    assert not [word for word in hidden if word.casefold() in text_of(entry)]


@pytest.mark.parametrize("name", ["purpose", "legal_basis"])
@pytest.mark.parametrize("word", ["Dr. Ada Hidden", "ada hidden", "e-HIDDEN-1007", "203.0.113.77", "p-other-8812"])
def test_a_text_that_names_somebody_else_is_left_out(name: str, word: str) -> None:
    entry = shown(planted(**{name: f"as {word} asked"}))
    assert getattr(entry, name) is None
    assert name in entry.left_out


@pytest.mark.parametrize("name", ["role", "organization"])
def test_a_category_that_names_the_employee_is_left_out(name: str) -> None:
    entry = shown(planted(actor=ACTOR | {name: "practice of Dr. Ada Hidden"}))
    assert entry.actor is not None
    assert getattr(entry.actor, name) is None
    assert f"actor.{name}" in entry.left_out


def test_a_number_is_an_id_too() -> None:
    person = {"id": PERSON, "data": {"by": 1007, "n": 10071}}
    entry = shown(entry_document(actor={"type": "employee", "id": "1007"}, subjects=[person]))
    assert entry.data == {"by": LEFT_OUT, "n": 10071}


def test_a_service_that_is_called_as_the_purpose_hides_nothing() -> None:
    entry = shown(entry_document(actor={"type": "service", "id": "billing"}, purpose="billing"))
    assert (entry.purpose, entry.actor) == ("billing", AccessActor(type="service"))
    assert shown(entry_document(actor={"type": "employee", "id": "billing"}, purpose="billing")).purpose is None


def test_who_acted_in_another_entry_is_left_out_of_a_text_too() -> None:
    entries = [opened(planted(purpose="second look, asked by Bo Elsewhere"))]
    entries.append(opened(planted(actor={"type": "employee", "id": "e-2", "name": "Prof. Bo Elsewhere"})))
    names = {name for entry in entries for name in names_of(PERSON, entry)}
    views = [Viewer(PERSON, names, include_details=False).view(0, entry, None) for entry in entries]
    assert [view.entry.purpose for view in views] == [None, "treatment"]


def test_a_token_that_is_named_as_its_service_hides_nothing_and_its_officer_is_hidden() -> None:
    actor = {"type": "token", "id": "billing", "name": "Dana Officer"}
    assert shown(entry_document(actor=actor, purpose="billing")).purpose == "billing"
    assert shown(entry_document(actor=actor, purpose="as Dana Officer asked")).purpose is None


@pytest.mark.parametrize("kind", SELF_TYPES)
def test_the_person_who_acted_sees_their_own_name_and_address_but_no_session(kind: str) -> None:
    entry = shown(planted(actor=ACTOR | {"type": kind, "id": PERSON}))
    assert entry.named_as == ["subject", "actor"]
    assert entry.actor == AccessActor(
        type=kind,
        role="nurse",
        organization="City Hospital",
        yourself=True,
        name="Dr. Ada Hidden",
        ip="203.0.113.77",
        user_agent="HiddenBrowser/9.1",
    )
    assert "session-hidden" not in text_of(entry)
    assert "actor.session" in entry.left_out


@pytest.mark.parametrize("actor", [{"type": "employee", "id": PERSON}, {"type": "patient", "id": "p-4712"}])
def test_an_employee_of_the_same_id_and_another_patient_are_not_the_person(actor: dict[str, str]) -> None:
    entry = shown(planted(actor=ACTOR | actor))
    assert entry.actor == AccessActor(type=actor["type"], role="nurse", organization="City Hospital")
    assert entry.named_as == ["subject"]
    assert "dr. ada hidden" not in text_of(entry)


def test_an_entry_in_which_the_person_only_acted() -> None:
    entry = shown(planted(actor={"type": "patient", "id": PERSON}, subjects=[OTHER]))
    assert (entry.named_as, entry.data, entry.others) == (["actor"], None, True)
    assert not [word for word in OTHER_WORDS if word.casefold() in text_of(entry)]


def test_how_many_others_there_are_is_not_told() -> None:
    mine = {"id": PERSON}
    one, many = (shown(planted(subjects=[mine, *others])) for others in ([OTHER], [{"id": f"p-{n}"} for n in range(9)]))
    assert one == many
    assert shown(planted(subjects=[mine])).others is False


def test_an_erased_other_is_an_other_and_no_more() -> None:
    document = planted(subjects=[None, {"id": PERSON}])
    assert shown(document, "subjects[0]").others is True
    assert shown(document, "subjects[0]").erased == []


def test_what_was_erased_is_said() -> None:
    document = planted()
    for name in ("actor", "targets", "details", "correlation"):
        del document[name]
    entry = shown(document, "actor", "shared")
    assert (entry.actor, entry.targets, entry.details, entry.erased) == (None, [], None, ["actor", "shared"])


def test_an_entry_that_does_not_name_the_person_is_not_theirs() -> None:
    with pytest.raises(MalformedDisclosure, match="does not name the person"):
        shown(planted(), person="p-nobody")


def test_evidence_may_show_what_is_shown_and_no_more() -> None:
    def provable(include_details: bool, **fields: object) -> frozenset[str]:
        return viewed(opened(planted(**fields)), include_details=include_details).provable

    core = {"source", "occurred_at", "received_at", "action", "crud", "outcome", "purpose", "legal_basis", "retention"}
    actor = {"actor.type", "actor.role", "actor.organization"}
    assert provable(False) == core | actor, "their data name an employee"
    mine = [OTHER, {"id": PERSON, "data": {"fields": ["allergies"]}}]
    assert provable(False, subjects=mine) == core | actor | {"subjects[1]"}
    assert provable(True, subjects=mine) == core | actor | {"subjects[1]", "targets"}, "details name an employee"
    assert "purpose" not in provable(False, purpose="for e-hidden-1007")
    own = provable(False, actor=ACTOR | {"type": "patient", "id": PERSON}, subjects=mine)
    assert own == core | actor | {"subjects[1]", "actor.id", "actor.name", "actor.ip", "actor.user_agent"}

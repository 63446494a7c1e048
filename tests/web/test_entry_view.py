from __future__ import annotations

from typing import Any

from tests.audit.samples import document
from tlog.http.answers.entries import EntryAnswer, ErasedPartAnswer
from web.entry_view import entry_groups, showable


def answer(entry: dict[str, Any], **changes: Any) -> EntryAnswer:
    values: dict[str, Any] = {"index": 7, "leaf": "", "received_at": "2026-03-01T09:30:07.500000Z", "entry": entry}
    empty: dict[str, Any] = {"disclosures": {}, "erased": [], "erased_digests": []}
    return EntryAnswer(**values | empty | changes)


def test_every_field_of_an_entry_is_shown_once() -> None:
    groups = entry_groups(answer(document(received_at="2026-03-01T09:30:07.500000Z")))
    assert [group.title for group in groups] == [
        "What happened",
        "Who acted",
        "Whose data",
        "On what",
        "When and where logged",
    ]
    shown = [field.name for group in groups for field in group.fields]
    assert len(set(shown)) == len(shown)
    for name, value in document().items():
        members = value if name in {"actor", "authorization", "correlation"} else [None]
        for member in members:
            wanted = name if member is None else f"{name}.{member}"
            assert wanted in shown or name == "subjects", wanted
    text = " ".join(field.value for group in groups for field in group.fields)
    for said in ("Dr. Ada Muster", "pat-1207", "pat-3001", "record rec-7731, lab results", '"rows": 12'):
        assert said in text


def test_what_is_erased_says_by_which_act() -> None:
    entry = document(subjects=[None, {"id": "pat-3001"}])
    del entry["targets"], entry["details"], entry["correlation"]
    erasures = [
        ErasedPartAnswer(part="subjects[0]", act="a1", at="2026-04-01T00:00:00.000000Z", index=90),
        ErasedPartAnswer(part="shared", act="a1", at=None, index=None),
    ]
    groups = entry_groups(answer(entry, erased=["subjects[0]", "shared"], erasures=erasures))
    gone = {group.title: group.erased for group in groups if group.gone}
    assert set(gone) == {"Whose data, person 1", "On what"}
    assert gone["Whose data, person 1"] == erasures[0]


def test_what_one_act_erased_at_once_is_said_once_and_is_not_offered_as_evidence() -> None:
    entry = document(subjects=[None])
    del entry["targets"], entry["details"], entry["correlation"]
    erasures = [
        ErasedPartAnswer(part=part, act="a1", at="2026-04-01T00:00:00.000000Z", index=90)
        for part in ("subjects[0]", "shared")
    ]
    read = answer(entry, erased=["subjects[0]", "shared"], erasures=erasures)
    assert [group.title for group in entry_groups(read) if group.gone] == ["Whose data; on what"]
    assert [name for name, _ in showable(read)] == ["core", "actor"]
    assert len(showable(answer(document()))) == 6


def test_an_erased_part_whose_act_is_not_known_is_gone_all_the_same() -> None:
    entry = document()
    del entry["actor"]
    [group] = [group for group in entry_groups(answer(entry, erased=["actor"])) if group.gone]
    assert (group.title, group.erased, group.fields) == ("Who acted", None, ())

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import structs

from tests.audit.access_material import export, planted, shown
from tests.formats.mangle import mangled
from tlog.audit.subject_access import AccessEntry, Unreadable, parse_subject_access
from tlog.audit.subject_access_summary import summary_of
from tlog.errors import MalformedSubjectAccess

DAMAGED = Unreadable(
    index=7, received_at="2026-03-01T09:30:00Z", source="clinic", action="patient.record.read", problem="broken"
)


def at(index: int, **fields: Any) -> AccessEntry:
    return structs.replace(shown(planted(**fields)), index=index)


def test_what_is_written_is_read_back() -> None:
    made = export(at(3), at(9, purpose="billing"), unreadable=(DAMAGED,), start="2026-01-01T00:00:00.000000Z")
    assert parse_subject_access(made.encode()) == made
    document = json.loads(made.encode())
    assert (document["format"], document["from"], document["to"]) == ("tlog-subject-access/v1", made.start, None)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (export(at(3), at(3)), "the indices of entries do not rise"),
        (export(at(4), at(3)), "the indices of entries do not rise"),
        (export(at(7), unreadable=(DAMAGED,)), "in entries and in unreadable"),
        (export(at(3), tree_size=3), "beyond the tree size"),
        (export(unreadable=(DAMAGED,), tree_size=7), "beyond the tree size"),
        (export(at(3), known=False), "entries of somebody who is said to be unknown"),
    ],
)
def test_places_that_can_not_be_are_refused(made: Any, said: str) -> None:
    with pytest.raises(MalformedSubjectAccess, match=said):
        parse_subject_access(made.encode())


@pytest.mark.parametrize("place", [(), ("summary",), ("entries", 0), ("entries", 0, "actor"), ("not_included", 0)])
def test_unknown_members_are_refused_everywhere(place: tuple[Any, ...]) -> None:
    document = at_place = json.loads(export(at(3)).encode())
    for step in place:
        at_place = at_place[step]
    at_place["surprise"] = "marker-QX7431"
    with pytest.raises(MalformedSubjectAccess) as refused:
        parse_subject_access(json.dumps(document).encode())
    assert "marker" not in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"{}", b'{"format": "tlog-subject-access/v2"}'])
def test_what_is_no_export_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedSubjectAccess, match="subject access: "):
        parse_subject_access(data)


def test_a_mangled_file_is_refused_or_says_what_it_says() -> None:
    refused = 0
    for text in mangled(export(at(3)).encode(), step=7):
        try:
            found = parse_subject_access(text)
        except MalformedSubjectAccess:
            refused += 1
        else:
            assert parse_subject_access(found.encode()) == found
    assert refused > 1000


def test_no_text_form_shows_a_value() -> None:
    made = export(at(3))
    for part in (made, made.entries[0], made.entries[0].actor, made.summary.purposes[0]):
        assert repr(part) == f"<{type(part).__name__}>"


def test_the_summary_counts_the_most_frequent_first_with_first_and_last_date() -> None:
    times = ("2026-03-01T09:30:00.5Z", "2026-03-01T09:30:00Z", "2026-05-01T00:00:00Z")
    entries = [at(index, occurred_at=time) for index, time in enumerate(times)]
    entries.append(at(5, purpose="to tell p-other-8812", actor={"type": "service", "id": "x"}))
    summary = summary_of(entries)
    assert [(count.value, count.entries) for count in summary.purposes] == [("treatment", 3), (None, 1)]
    first = summary.purposes[0]
    assert (first.value, first.first, first.last) == ("treatment", times[1], times[2])
    assert [count.value for count in summary.actors] == ["employee, nurse, City Hospital", "service"]

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit import samples
from tests.client import material
from tests.formats.mangle import mangled
from tlog.audit.erased_part import said_of
from tlog.audit.opened import OpenedEntry, erase_parts, open_entry
from tlog.client.entry_file import parse_entry_file
from tlog.client.verifier import OfflineVerifier
from tlog.errors import InclusionInvalid, LeafMismatch, Malformed, MalformedDisclosure
from tlog.formats.encoding import b64encode

ENTRY = samples.sample_entry()
KEYS = samples.keys_for(ENTRY)
SEALED = samples.sealed_with(ENTRY, KEYS)
OPENED = open_entry(samples.parts_of(SEALED), samples.open_keys(KEYS))


def document(index: int = 5, **changes: Any) -> dict[str, Any]:
    return {
        "index": index,
        "leaf": b64encode(SEALED.leaf),
        "received_at": "2026-03-01T09:30:07.200000Z",
        "entry": OPENED.entry,
        "disclosures": dict(OPENED.disclosures),
        "erased": [],
        "erased_digests": [],
    } | changes


def encoded(index: int = 5, **changes: Any) -> bytes:
    return json.dumps(document(index, **changes)).encode()


def test_an_entry_file_verifies_against_its_proof() -> None:
    leaves = [*material.LEAVES[:5], SEALED.leaf, *material.LEAVES[6:]]
    verifier = OfflineVerifier(material.policy())
    report = verifier.verify(material.proof(5, leaves).encode(), entry=parse_entry_file(encoded()))
    assert report.entry["actor.id"] == "emp-0042"
    assert report.checks[-1].name == "disclosures"
    with pytest.raises(InclusionInvalid, match="index 6, the proof is of 5"):
        verifier.verify(material.proof(5, leaves).encode(), entry=parse_entry_file(encoded(6)))
    with pytest.raises(LeafMismatch):
        verifier.verify(material.proof(4, leaves).encode(), entry=parse_entry_file(encoded(4)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outcome", "denied"),
        ("seq", 4212),
        ("schema", True),
        ("schema", 1.0),
        ("actor", {"type": "employee", "id": "emp-0043"}),
        ("purpose", None),
    ],
)
def test_a_readable_entry_that_says_otherwise_is_refused(name: str, value: object) -> None:
    file = parse_entry_file(encoded(entry=OPENED.entry | {name: value}))
    with pytest.raises(LeafMismatch, match=f"says otherwise than its disclosures in {name}"):
        file.verify(SEALED.leaf)


def test_a_field_that_nobody_disclosed_is_refused() -> None:
    file = parse_entry_file(encoded(entry=OPENED.entry | {"added": True}))
    with pytest.raises(LeafMismatch, match="added"):
        file.verify(SEALED.leaf)


def test_a_subject_put_in_another_place_is_refused() -> None:
    file = parse_entry_file(encoded(entry=OPENED.entry | {"subjects": OPENED.entry["subjects"][::-1]}))
    with pytest.raises(LeafMismatch, match=r"subjects\[0\], subjects\[1\]"):
        file.verify(SEALED.leaf)


def test_a_missing_or_swapped_disclosure_is_refused() -> None:
    texts = dict(OPENED.disclosures)
    swapped = texts | {"outcome": texts["purpose"], "purpose": texts["outcome"]}
    with pytest.raises(LeafMismatch, match="is that of another field"):
        parse_entry_file(encoded(disclosures=swapped)).verify(SEALED.leaf)
    del texts["outcome"]
    with pytest.raises(LeafMismatch):
        parse_entry_file(encoded(disclosures=texts)).verify(SEALED.leaf)


def test_every_changed_byte_is_refused_or_changes_nothing_proved() -> None:
    data = encoded()
    values = parse_entry_file(data).verify(SEALED.leaf)
    for broken in mangled(data, step=11):
        try:
            assert parse_entry_file(broken).verify(SEALED.leaf) == values
        except (Malformed, LeafMismatch):
            continue


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_the_parser_raises_only_its_own_error(data: bytes) -> None:
    with pytest.raises(MalformedDisclosure):
        parse_entry_file(data)


def erased_entry(labels: Sequence[str]) -> OpenedEntry:
    """What can be read of the sample entry once these parts were replaced by their digests."""
    parts = samples.parts_of(SEALED)
    for label, digests in erase_parts(parts, samples.open_keys(KEYS), labels).items():
        parts = samples.with_part(parts, label, digests)
    return open_entry(parts, samples.open_keys(KEYS))


ACT = "01a20642-cbbc-728e-bf2b-3ea96f9ffe23"
LABELS = ("subjects[1]", "shared")
ERASED = erased_entry(LABELS)
ERASURES = [{"part": label, "act": ACT, "at": "2026-03-02T09:30:00.000000Z", "index": 9} for label in LABELS]


def erased_document(**changes: Any) -> bytes:
    """The file of the sample entry whose second subject was erased."""
    digests = [b64encode(digest) for digest in ERASED.erased_digests]
    known: dict[str, Any] = {"erased": list(ERASED.erased), "erased_digests": digests, "erasures": ERASURES}
    shown = {"entry": ERASED.entry, "disclosures": dict(ERASED.disclosures)}
    return encoded(**known | shown | changes)


def test_what_is_said_of_erased_parts_is_read_and_reported() -> None:
    leaves = [*material.LEAVES[:5], SEALED.leaf, *material.LEAVES[6:]]
    file = parse_entry_file(erased_document())
    report = OfflineVerifier(material.policy()).verify(material.proof(5, leaves).encode(), entry=file)
    assert report.erased_fields == len(ERASED.erased_digests) > 1
    assert [part.values() for part in report.erasures] == [
        ERASURES[0] | {"fields": ["subjects[1]"]},
        ERASURES[1] | {"fields": ["targets", "details", "correlation"]},
    ]
    assert said_of(report.erased_fields, report.erasures)[1] == (
        "targets, details, correlation: erased at 2026-03-02T09:30:00.000000Z by entry 9 of the log (act " + ACT + ")"
    )


def test_an_act_under_way_and_a_file_that_does_not_say() -> None:
    under_way = parse_entry_file(erased_document(erasures=[{"part": "shared", "act": ACT, "at": None, "index": None}]))
    under_way.verify(SEALED.leaf)
    assert "erased by an act under way" in said_of(2, under_way.erasures)[0]
    silent = parse_entry_file(erased_document(erasures=[]))
    silent.verify(SEALED.leaf)
    assert said_of(2, silent.erasures) == ["which fields were erased, when and by which entry is not said"]
    assert said_of(0, ()) == []


@pytest.mark.parametrize("label", ["subjects[0]", "actor"])
def test_what_is_disclosed_was_not_erased(label: str) -> None:
    file = parse_entry_file(erased_document(erasures=[{"part": label, "act": ACT}]))
    with pytest.raises(LeafMismatch, match="as erased, but discloses"):
        file.verify(SEALED.leaf)
    with pytest.raises(LeafMismatch, match="every field is disclosed"):
        parse_entry_file(encoded(erasures=ERASURES)).verify(SEALED.leaf)


@pytest.mark.parametrize(
    "change",
    [
        {"part": "core"},
        {"part": "subjects[01]"},
        {"part": "shared\nok  inclusion"},
        {"at": "yesterday"},
        {"at": "2026-03-02T09:30:00Z\nverified: all"},
        {"act": "x"},
        {"index": -1},
        {"index": "9"},
    ],
)
def test_nonsense_about_erased_parts_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedDisclosure, match="erasures"):
        parse_entry_file(erased_document(erasures=[ERASURES[0] | change]))


def test_every_changed_byte_of_an_erased_entry_is_refused_or_changes_nothing_proved() -> None:
    data = erased_document()
    values = parse_entry_file(data).verify(SEALED.leaf)
    for broken in mangled(data, step=7):
        try:
            assert parse_entry_file(broken).verify(SEALED.leaf) == values
        except (Malformed, LeafMismatch):
            continue


def test_a_member_named_twice_is_refused() -> None:
    with pytest.raises(MalformedDisclosure, match="twice"):
        parse_entry_file(encoded().replace(b'"index"', b'"index": 4, "index"', 1))

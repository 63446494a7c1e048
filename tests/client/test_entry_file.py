from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit import samples
from tests.client import material
from tests.formats.mangle import mangled
from tlog.audit.opened import open_entry
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


def test_a_member_named_twice_is_refused() -> None:
    with pytest.raises(MalformedDisclosure, match="twice"):
        parse_entry_file(encoded().replace(b'"index"', b'"index": 4, "index"', 1))

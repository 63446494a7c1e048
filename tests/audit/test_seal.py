"""Sealing and opening: against the slow transcription of the specification, and back again."""

from __future__ import annotations

import base64
import json
import os
import pickle
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit import naive
from tests.audit.samples import (
    RECEIVED_AT,
    document,
    keys_for,
    labels_of,
    open_keys,
    part_at,
    parts_of,
    sample_entry,
    sealed_with,
    with_part,
)
from tests.audit.strategies import Sample, samples
from tlog.audit.entry import Entry, parse_entry
from tlog.audit.leaf import verify_disclosures
from tlog.audit.opened import OpenKeys, SealedParts, erase_part, open_entry
from tlog.audit.part import encode_payload, encrypt_part, part_context, part_key
from tlog.audit.seal import EntryKeys, seal
from tlog.errors import DecryptionFailed, LeafMismatch, MalformedDisclosure, VerificationFailed


class Stream:
    """A repeatable source of bytes: the same whatever the sizes it is asked for."""

    def __init__(self) -> None:
        self.counter = count()
        self.taken = 0

    def __call__(self, size: int) -> bytes:
        start, self.taken = self.taken, self.taken + size
        return bytes((place * 7 + place // 251) % 256 for place in range(start, start + size))


def without_nulls(entry: dict[str, object]) -> dict[str, object]:
    """What an opened entry shows: null members and empty groups and arrays are the same as absent."""
    kept = {name: without_null_members(value) for name, value in entry.items() if name not in FREE}
    kept = {name: value for name, value in kept.items() if value not in (None, {}, [])}
    return kept | {name: entry[name] for name in FREE if name in entry and entry[name] != []}


FREE = ("details", "subjects")


def without_null_members(value: object) -> object:
    if isinstance(value, list):
        return [without_null_members(item) for item in value]
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if item is not None}
    return value


@given(samples())
def test_sealing_equals_the_slow_transcription(sample: Sample) -> None:
    entry = parse_entry(sample.data)
    keys = keys_for(entry)
    received = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=RECEIVED_AT)).strftime(
        "%Y-%m-%dT%H:%M:%S.%fZ"
    )
    fields = naive.fields_of(sample.entry, received, sample.raw)
    slow = naive.seal(fields, entry.id, keys.cohort, keys.actor, keys.subjects, Stream())
    fast = sealed_with(entry, keys, Stream())
    assert fast.leaf == slow.leaf
    assert {part.label: part.stored for part in slow.parts} == {
        label: part_at(parts_of(fast), label) for label in labels_of(parts_of(fast))
    }


@given(samples())
def test_what_is_sealed_opens_to_the_same_entry(sample: Sample) -> None:
    entry = parse_entry(sample.data)
    keys = keys_for(entry)
    sealed = sealed_with(entry, keys)
    opened = open_entry(parts_of(sealed), open_keys(keys))
    expected = without_nulls({"retention": "standard"} | sample.entry)
    assert opened.entry == expected | {"received_at": "2026-03-01T09:30:07.500000Z"}
    assert (opened.erased, opened.erased_digests) == ((), ())
    values = verify_disclosures(opened.disclosures.values(), [], sealed.leaf)
    assert values.keys() == opened.disclosures.keys()
    assert values["seq"] == sealed.seq == sample.entry["seq"]
    assert (sealed.source, sealed.action, sealed.outcome) == (entry.source, entry.action, entry.outcome)


def test_what_stands_in_clear_is_right() -> None:
    entry = sample_entry()
    sealed = sealed_with(entry, keys_for(entry))
    assert sealed.id.hex() == entry.id.replace("-", "")
    assert sealed.occurred_at == 1_772_357_407_123_456
    assert (sealed.received_at, sealed.retention, sealed.seq) == (RECEIVED_AT, "standard", 4211)


def test_an_entry_without_targets_details_and_correlation_has_no_shared_part() -> None:
    entry = sample_entry(targets=[], details=..., correlation={"trace_id": None})
    keys = keys_for(entry)
    sealed = sealed_with(entry, keys)
    assert sealed.shared is None
    assert "targets" not in open_entry(parts_of(sealed), open_keys(keys)).entry


def test_the_free_objects_are_disclosed_byte_for_byte() -> None:
    exact = '{ "n" :1.50, "s":"\\u00e9" }'
    entry = parse_entry(json.dumps(document(details="@")).replace('"@"', exact).encode())
    keys = keys_for(entry)
    opened = open_entry(parts_of(sealed_with(entry, keys)), open_keys(keys))
    text = opened.disclosures["details"]
    assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).endswith(f',"details",{exact}]'.encode())


def test_keys_that_do_not_fit_are_a_programming_error() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    wrong = [
        EntryKeys(keys.cohort, keys.actor, keys.subjects[:1]),
        EntryKeys(keys.cohort, keys.actor[:31], keys.subjects),
        EntryKeys(b"", keys.actor, keys.subjects),
        EntryKeys(keys.cohort, keys.actor, (keys.subjects[0], bytes(16))),
    ]
    for each in wrong:
        with pytest.raises(ValueError, match="key"):
            sealed_with(entry, each)
    unnamed = Entry(**{name: getattr(entry, name) for name in Entry.__struct_fields__} | {"id": ""})
    with pytest.raises(ValueError, match="id"):
        sealed_with(unnamed, keys)


def test_entries_and_sealed_entries_travel_between_processes() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    copied = pickle.loads(pickle.dumps(entry))  # noqa: S301 - our own bytes
    assert sealed_with(copied, keys, Stream()) == sealed_with(entry, keys, Stream())
    sealed = sealed_with(entry, keys)
    assert pickle.loads(pickle.dumps(sealed)) == sealed  # noqa: S301


LABELS = ["core", "actor", "subjects[0]", "subjects[1]", "shared"]


@given(st.sampled_from(LABELS), st.data())
def test_any_changed_byte_of_any_stored_part_is_refused(label: str, data: st.DataObject) -> None:
    parts, keys = FIXED
    part = part_at(parts, label)
    place = data.draw(st.integers(0, len(part) - 1))
    flipped = bytes([*part[:place], part[place] ^ data.draw(st.integers(1, 255)), *part[place + 1 :]])
    for mangled in (flipped, part[:place], part[:place] + data.draw(st.binary(min_size=1, max_size=2)) + part[place:]):
        with pytest.raises((VerificationFailed, MalformedDisclosure)):
            open_entry(with_part(parts, label, mangled), keys)


@given(st.sets(st.sampled_from(LABELS)), st.permutations(LABELS))
def test_any_erased_parts_leave_the_rest_verifying(erased: set[str], order: list[str]) -> None:
    parts, keys = FIXED
    whole = open_entry(parts, keys)
    for label in order:
        if label in erased:
            parts = with_part(parts, label, erase_part(parts, keys, label))
            assert erase_part(parts, keys, label) == part_at(parts, label)
    opened = open_entry(parts, without_keys_of(erased, keys))
    assert set(opened.erased) == erased
    assert opened.disclosures.items() <= whole.disclosures.items()
    assert len(opened.disclosures) + len(opened.erased_digests) == len(whole.disclosures)
    verify_disclosures(opened.disclosures.values(), opened.erased_digests, parts.leaf)
    assert ("action" in opened.entry) == ("core" not in erased)
    assert ("actor" in opened.entry) == ("actor" not in erased)
    assert [subject is None for subject in opened.entry["subjects"]] == [label in erased for label in LABELS[2:4]]
    assert ("details" in opened.entry) == ("shared" not in erased)


@given(st.sampled_from(LABELS), st.data())
def test_changed_digests_of_an_erased_part_are_refused(label: str, data: st.DataObject) -> None:
    parts, keys = FIXED
    part = erase_part(parts, keys, label)
    place = data.draw(st.integers(0, len(part) - 1))
    flipped = bytes([*part[:place], part[place] ^ data.draw(st.integers(1, 255)), *part[place + 1 :]])
    for mangled in (flipped, part[:place], part + part[-32:], part + bytes(32)):
        with pytest.raises((VerificationFailed, MalformedDisclosure)):
            open_entry(with_part(parts, label, mangled), keys)


def without_keys_of(labels: set[str], keys: OpenKeys) -> OpenKeys:
    subjects = tuple(
        None if f"subjects[{number}]" in labels and "shared" in labels else key
        for number, key in enumerate(keys.subjects)
    )
    return OpenKeys(keys.cohort, None if "actor" in labels else keys.actor, subjects)


def test_every_destroyed_key_closes_its_parts() -> None:
    parts, keys = FIXED
    destroyed = [
        OpenKeys(None, keys.actor, keys.subjects),
        OpenKeys(keys.cohort, None, keys.subjects),
        OpenKeys(keys.cohort, keys.actor, (None, keys.subjects[1])),
        OpenKeys(keys.cohort, keys.actor, (keys.subjects[0], None)),
    ]
    for without in destroyed:
        with pytest.raises(DecryptionFailed, match="destroyed"):
            open_entry(parts, without)


def test_another_key_does_not_open() -> None:
    parts, keys = FIXED
    other = os.urandom(32)
    wrong = [
        OpenKeys(other, keys.actor, keys.subjects),
        OpenKeys(keys.cohort, other, keys.subjects),
        OpenKeys(keys.cohort, keys.actor, (other, keys.subjects[1])),
        OpenKeys(keys.cohort, keys.actor, (keys.subjects[1], keys.subjects[0])),
    ]
    for each in wrong:
        with pytest.raises(DecryptionFailed):
            open_entry(parts, each)


def test_parts_do_not_move_between_entries_or_places() -> None:
    first = sample_entry()
    keys = keys_for(first)
    parts = parts_of(sealed_with(first, keys))
    second = sample_entry(id="019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b12")
    others = parts_of(sealed_with(second, keys))
    for label in LABELS:
        with pytest.raises(DecryptionFailed):
            open_entry(with_part(parts, label, part_at(others, label)), open_keys(keys))
    again = parts_of(sealed_with(first, keys))
    for label in LABELS:  # the same entry sealed anew: it decrypts, but is not what the leaf commits to
        with pytest.raises(LeafMismatch):
            open_entry(with_part(parts, label, part_at(again, label)), open_keys(keys))


def test_another_leaf_another_count_of_subjects_or_a_missing_part_is_refused() -> None:
    parts, keys = FIXED
    with pytest.raises(LeafMismatch):
        open_entry(SealedParts(parts.id, bytes(32), parts.core, parts.actor, parts.subjects, parts.shared), keys)
    with pytest.raises(LeafMismatch):
        open_entry(SealedParts(parts.id, parts.leaf, parts.core, parts.actor, parts.subjects, None), keys)
    fewer = SealedParts(parts.id, parts.leaf, parts.core, parts.actor, parts.subjects[:1], None)
    with pytest.raises(LeafMismatch):
        open_entry(fewer, OpenKeys(keys.cohort, keys.actor, keys.subjects[:1]))


@pytest.mark.parametrize(
    ("label", "fields"),
    [
        ("core", [(b"actor.id", b'"x"')]),
        ("actor", [(b"action", b'"x"')]),
        ("shared", [(b"subjects[0]", b'{"id":"x"}')]),
        ("subjects[0]", [(b"subjects[1]", b'{"id":"x"}')]),
        ("actor", [(b"actor.unheard_of", b"1")]),
    ],
)
def test_a_part_that_holds_a_field_of_another_part_is_refused(label: str, fields: list[tuple[bytes, bytes]]) -> None:
    parts, keys = FIXED
    persons = {"core": (), "actor": (keys.actor,), "shared": keys.subjects, "subjects[0]": keys.subjects[:1]}[label]
    present = [key for key in persons if key is not None]
    assert keys.cohort is not None
    key = part_key(present, keys.cohort, parts.id, label)
    forged = encrypt_part(key, bytes(12), bytes(32) + encode_payload(fields), part_context(label, parts.id))
    with pytest.raises(MalformedDisclosure, match="another part"):
        open_entry(with_part(parts, label, forged), keys)


def _fixed() -> tuple[SealedParts, OpenKeys]:
    entry = sample_entry()
    keys = keys_for(entry)
    return parts_of(seal(entry, RECEIVED_AT, keys, os.urandom)), open_keys(keys)


FIXED = _fixed()

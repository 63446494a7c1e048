"""The rules that make erasure defensible, as far as sealing keeps them. Each test fails when its rule is broken."""

from __future__ import annotations

import os
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given

from tests.audit.samples import (
    PERSONAL,
    encoded,
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
from tlog.audit.disclosure import digest, parse_disclosure
from tlog.audit.entry import parse_entry
from tlog.audit.leaf import verify_disclosures
from tlog.audit.opened import OpenedEntry, OpenKeys, erase_part, open_entry
from tlog.audit.part import decrypt_part, part_context, part_key
from tlog.audit.seal import EntryKeys, SealedEntry
from tlog.errors import DecryptionFailed, LeafMismatch


def opened(sealed: SealedEntry, keys: EntryKeys) -> OpenedEntry:
    return open_entry(parts_of(sealed), open_keys(keys))


def salts_of(entry: OpenedEntry) -> set[bytes]:
    return {parse_disclosure(text).salt for text in entry.disclosures.values()}


def plaintext_of(sealed: SealedEntry, keys: EntryKeys, label: str) -> bytes:
    persons = {"core": (), "actor": (keys.actor,), "shared": keys.subjects}.get(label)
    if persons is None:
        persons = (keys.subjects[int(label[9:-1])],)
    key = part_key(persons, keys.cohort, sealed.id, label)
    return decrypt_part(key, part_at(parts_of(sealed), label), part_context(label, sealed.id))


@given(samples())
def test_rule_1_only_a_32_byte_hash_of_salted_digests_enters_the_tree(sample: Sample) -> None:
    entry = parse_entry(sample.data)
    keys = keys_for(entry)
    sealed = sealed_with(entry, keys)
    digests = sorted(digest(text.encode()) for text in opened(sealed, keys).disclosures.values())
    assert len(sealed.leaf) == 32
    assert sealed.leaf == sha256(b"tlog-audit/v1 leaf\n" + b"".join(digests)).digest()


def test_rule_1_nothing_personal_stands_in_clear_beside_the_leaf() -> None:
    entry = sample_entry()
    sealed = sealed_with(entry, keys_for(entry))
    clear = b"".join(
        value if isinstance(value, bytes) else repr(value).encode()
        for value in (getattr(sealed, name) for name in SealedEntry.__struct_fields__)
    )
    assert not [value for value in PERSONAL if value.encode() in clear]


def test_rule_2_each_part_has_its_own_random_secret() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    drawn: list[bytes] = []

    def random(size: int) -> bytes:
        drawn.append(os.urandom(size))
        return drawn[-1]

    sealed = sealed_with(entry, keys, random)
    secrets = [plaintext_of(sealed, keys, label)[:32] for label in labels_of(parts_of(sealed))]
    assert len(set(secrets)) == len(secrets) == 5
    source = b"".join(drawn)
    places = sorted(source.index(secret) for secret in secrets)
    assert all(later - earlier >= 32 for earlier, later in pairwise(places))


def test_rule_2_no_secret_comes_from_data_or_keys() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    first, second = sealed_with(entry, keys), sealed_with(entry, keys)
    for label in labels_of(parts_of(first)):
        assert plaintext_of(first, keys, label)[:32] != plaintext_of(second, keys, label)[:32]
    constant = sealed_with(entry, keys, bytes)
    other = sample_entry(purpose="another purpose")
    other_keys = keys_for(other)
    also_constant = sealed_with(other, other_keys, bytes)
    assert salts_of(opened(constant, keys)) == salts_of(opened(also_constant, other_keys))


@given(samples())
def test_rule_2_two_seals_of_one_entry_share_no_salt_digest_or_leaf(sample: Sample) -> None:
    entry = parse_entry(sample.data)
    keys = keys_for(entry)
    first, second = sealed_with(entry, keys), sealed_with(entry, keys)
    one, two = opened(first, keys), opened(second, keys)
    assert first.leaf != second.leaf
    assert not salts_of(one) & salts_of(two)
    assert not set(one.disclosures.values()) & set(two.disclosures.values())
    assert len(salts_of(one)) == len(one.disclosures)


def test_rule_3_after_a_subjects_erasure_the_rest_verifies_against_the_same_leaf() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    parts = parts_of(sealed_with(entry, keys))
    all_keys = open_keys(keys)
    for label in ("subjects[0]", "shared"):
        parts = with_part(parts, label, erase_part(parts, all_keys, label))
    left = open_entry(parts, OpenKeys(keys.cohort, keys.actor, (None, keys.subjects[1])))
    assert left.entry["subjects"] == [None, {"id": "pat-3001"}]
    assert left.entry["actor"]["id"] == "emp-0042"
    assert left.entry["purpose"] == "treatment"
    values = verify_disclosures(left.disclosures.values(), left.erased_digests, parts.leaf)
    assert values["action"] == "patient.record.read"
    stored = b"".join(part_at(parts, label) for label in labels_of(parts))
    assert b"pat-1207" not in stored + repr(left.entry).encode()


def test_rule_3_what_is_kept_of_an_erased_field_does_not_confirm_a_guess() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    parts = parts_of(sealed_with(entry, keys))
    kept = erase_part(parts, open_keys(keys), "subjects[1]")
    value = b'{"id":"pat-3001"}'
    guesses = {value, b'["","subjects[1]",' + value + b"]", b'["subjects[1]",' + value + b"]"}
    assert kept[1:] not in {sha256(guess).digest() for guess in guesses}
    assert len(kept) == 33


def test_rule_5_subject_and_actor_have_separate_keys_even_if_they_are_one_person() -> None:
    entry = parse_entry(
        encoded(
            actor={"type": "patient", "id": "pat-1207"},
            subjects=[{"id": "pat-1207"}],
            details=...,
            targets=[],
            correlation=...,
        )
    )
    keys = keys_for(entry)
    parts = parts_of(sealed_with(entry, keys))
    without_subject = with_part(parts, "subjects[0]", erase_part(parts, open_keys(keys), "subjects[0]"))
    left = open_entry(without_subject, OpenKeys(keys.cohort, keys.actor, (None,)))
    assert (left.entry["actor"]["id"], left.erased) == ("pat-1207", ("subjects[0]",))
    without_actor = with_part(parts, "actor", erase_part(parts, open_keys(keys), "actor"))
    left = open_entry(without_actor, OpenKeys(keys.cohort, None, keys.subjects))
    assert (left.entry["subjects"], left.erased) == ([{"id": "pat-1207"}], ("actor",))


def test_rule_5_the_actors_key_opens_no_subject_and_the_reverse() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    parts = parts_of(sealed_with(entry, keys))
    swapped = OpenKeys(keys.cohort, keys.subjects[0], (keys.actor, keys.subjects[1]))
    with pytest.raises(DecryptionFailed):
        open_entry(parts, swapped)


def test_the_shared_part_dies_with_any_subject() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    sealed = sealed_with(entry, keys)
    for missing in range(2):
        persons = [key if number != missing else os.urandom(32) for number, key in enumerate(keys.subjects)]
        key = part_key(persons, keys.cohort, sealed.id, "shared")
        assert sealed.shared is not None
        with pytest.raises(DecryptionFailed):
            decrypt_part(key, sealed.shared, part_context("shared", sealed.id))


def test_rule_9_no_repr_or_error_shows_a_value_or_a_key() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    sealed = sealed_with(entry, keys)
    parts = parts_of(sealed)
    shown = "".join(
        f"{value}{value!r}" for value in (entry, keys, open_keys(keys), sealed, parts, opened(sealed, keys))
    )
    for broken in (with_part(parts, "actor", parts.actor[:-1]), with_part(parts, "shared", b"\x02" + bytes(32))):
        with pytest.raises((DecryptionFailed, LeafMismatch)) as failure:
            open_entry(broken, open_keys(keys))
        shown += str(failure.value)
    assert not [value for value in PERSONAL if value in shown]
    assert not [key for key in (keys.cohort, keys.actor, *keys.subjects) if repr(key) in shown or key.hex() in shown]

"""Sealing again under another cohort key: the leaf stays, what was erased stays erased, the old key opens nothing."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.samples import keys_for, labels_of, open_keys, part_at, parts_of, sample_entry, sealed_with, with_part
from tests.audit.strategies import Sample, samples
from tlog.audit.entry import parse_entry
from tlog.audit.opened import OpenKeys, erase_parts, open_entry
from tlog.audit.reseal import reseal
from tlog.errors import DecryptionFailed, LeafMismatch


@given(samples())
def test_what_is_sealed_again_says_the_same_under_the_same_leaf(sample: Sample) -> None:
    entry = parse_entry(sample.data)
    keys = keys_for(entry)
    before, new = parts_of(sealed_with(entry, keys)), os.urandom(32)
    again = OpenKeys(new, keys.actor, keys.subjects)
    after = reseal(before, open_keys(keys), again, os.urandom)
    assert (after.id, after.leaf) == (before.id, before.leaf)
    assert open_entry(after, again) == open_entry(before, open_keys(keys))
    assert all(part_at(after, label) != part_at(before, label) for label in labels_of(before))


@pytest.mark.parametrize("label", ["core", "actor", "subjects[0]", "subjects[1]", "shared"])
def test_the_old_key_opens_no_part_any_more(label: str) -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    before, new = parts_of(sealed_with(entry, keys)), os.urandom(32)
    after = reseal(before, open_keys(keys), OpenKeys(new, keys.actor, keys.subjects), os.urandom)
    with pytest.raises(DecryptionFailed):
        open_entry(with_part(before, label, part_at(after, label)), open_keys(keys))
    with pytest.raises(DecryptionFailed):
        open_entry(with_part(after, label, part_at(before, label)), OpenKeys(new, keys.actor, keys.subjects))


@given(st.sets(st.sampled_from(["actor", "subjects[0]", "subjects[1]"]), min_size=1))
def test_what_was_erased_stays_as_it_is(gone: set[str]) -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    parts = parts_of(sealed_with(entry, keys))
    subjects = [label for label in gone if label != "actor"]
    labels = [*sorted(gone), *(["shared"] if subjects else [])]
    for label, digests in erase_parts(parts, open_keys(keys), labels).items():
        parts = with_part(parts, label, digests)
    left = OpenKeys(
        keys.cohort,
        None if "actor" in gone else keys.actor,
        tuple(None if f"subjects[{i}]" in gone else key for i, key in enumerate(keys.subjects)),
    )
    to = OpenKeys(os.urandom(32), left.actor, left.subjects)
    after = reseal(parts, left, to, os.urandom)
    assert all(part_at(after, label) == part_at(parts, label) for label in labels)
    again = open_entry(after, to)
    assert again == open_entry(parts, left)
    assert set(again.erased) == set(labels)


def test_a_person_can_have_another_key() -> None:
    """The subject's part and the shared part follow; the old key opens neither any more."""
    entry = sample_entry()
    keys = keys_for(entry)
    before, new = parts_of(sealed_with(entry, keys)), os.urandom(32)
    to = OpenKeys(keys.cohort, keys.actor, (keys.subjects[0], new))
    after = reseal(before, open_keys(keys), to, os.urandom)
    assert open_entry(after, to) == open_entry(before, open_keys(keys))
    for label in ("subjects[1]", "shared"):
        with pytest.raises(DecryptionFailed):
            open_entry(with_part(before, label, part_at(after, label)), open_keys(keys))


def test_what_does_not_make_up_its_leaf_is_not_sealed_again() -> None:
    entry = sample_entry()
    keys = keys_for(entry)
    one, other = (parts_of(sealed_with(entry, keys)) for _ in range(2))
    with pytest.raises(LeafMismatch):
        reseal(with_part(one, "core", other.core), open_keys(keys), open_keys(keys), os.urandom)
    with pytest.raises(DecryptionFailed):
        reseal(one, OpenKeys(None, keys.actor, keys.subjects), open_keys(keys), os.urandom)

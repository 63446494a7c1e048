"""HMAC, HKDF, leaf and parts against other implementations, and what they refuse."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from tlog.audit.hmac_sha256 import HmacSha256, hkdf_sha256
from tlog.audit.leaf import leaf_of
from tlog.audit.part import (
    decrypt_part,
    encode_payload,
    encrypt_part,
    erased_part,
    parse_erased,
    parse_plaintext,
    part_context,
    part_key,
)
from tlog.errors import DecryptionFailed, LeafMismatch, MalformedDisclosure

KEY = bytes(range(32))
ID = bytes(range(16))
CONTEXT = part_context("actor", ID)


@given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=3))
def test_hmac_equals_the_standard_library(key: bytes, messages: list[bytes]) -> None:
    prepared = HmacSha256(key)
    for message in messages:
        assert prepared.digest(message) == hmac.digest(key, message, "sha256")
    assert prepared.digests(messages) == [prepared.digest(message) for message in messages]


def test_hmac_refuses_keys_it_would_have_to_hash() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        HmacSha256(bytes(65))


@given(st.binary(max_size=64), st.binary(max_size=200), st.binary(max_size=100))
def test_hkdf_equals_pyca(salt: bytes, material: bytes, info: bytes) -> None:
    expected = HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(material)
    assert hkdf_sha256(HmacSha256(salt), material, info) == expected


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=3), st.binary(min_size=32, max_size=32))
def test_part_key_is_the_hkdf_that_the_specification_says(persons: list[bytes], cohort: bytes) -> None:
    info = b"tlog-audit/v1 part\nsubjects[3]\x00" + ID
    expected = HKDF(algorithm=hashes.SHA256(), length=32, salt=cohort, info=info).derive(b"".join(persons))
    assert part_key(persons, cohort, ID, "subjects[3]") == expected


def test_part_keys_differ_by_label_entry_cohort_and_persons() -> None:
    other = bytes(32)
    keys = {
        part_key([KEY], KEY, ID, "actor"),
        part_key([KEY], KEY, ID, "shared"),
        part_key([KEY], KEY, bytes(16), "actor"),
        part_key([KEY], other, ID, "actor"),
        part_key([other], KEY, ID, "actor"),
        part_key([], KEY, ID, "actor"),
        part_key([KEY, other], KEY, ID, "actor"),
        part_key([other, KEY], KEY, ID, "actor"),
    }
    assert len(keys) == 8


def test_leaf_is_independent_of_order_and_of_nothing_else() -> None:
    digests = [sha256(bytes([number])).digest() for number in range(5)]
    leaf = leaf_of(digests)
    assert leaf == sha256(b"tlog-audit/v1 leaf\n" + b"".join(sorted(digests))).digest()
    assert leaf == leaf_of(reversed(digests))
    assert leaf != leaf_of(digests[1:])


@pytest.mark.parametrize("digests", [[], [bytes(31)], [bytes(32), bytes(32)], [bytes(64)]])
def test_leaf_refuses_what_no_entry_has(digests: list[bytes]) -> None:
    with pytest.raises(LeafMismatch):
        leaf_of(digests)


@given(st.binary(max_size=100), st.data())
def test_a_part_with_any_byte_changed_does_not_open(plaintext: bytes, data: st.DataObject) -> None:
    part = encrypt_part(KEY, bytes(12), plaintext, CONTEXT)
    assert decrypt_part(KEY, part, CONTEXT) == plaintext
    place = data.draw(st.integers(0, len(part) - 1))
    flipped = bytes([*part[:place], part[place] ^ data.draw(st.integers(1, 255)), *part[place + 1 :]])
    for mangled in (flipped, part[:place], part + b"\0", part[:place] + b"\0" + part[place:]):
        with pytest.raises(DecryptionFailed):
            decrypt_part(KEY, mangled, CONTEXT)


def test_a_part_opens_only_in_its_place() -> None:
    part = encrypt_part(KEY, bytes(12), b"x", CONTEXT)
    for elsewhere in (part_context("shared", ID), part_context("actor", bytes(16)), b""):
        with pytest.raises(DecryptionFailed):
            decrypt_part(KEY, part, elsewhere)


GOOD = bytes(32) + b'{"actor.type":"t","actor.id":"i"}'


def test_a_plaintext_is_read_back_in_order() -> None:
    content = parse_plaintext(GOOD)
    assert content.fields == ((b"actor.type", b'"t"'), (b"actor.id", b'"i"'))
    assert bytes(32) + encode_payload(content.fields) == GOOD
    assert "t" not in repr(content).replace("PartContent", "")


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        bytes(32),
        bytes(31) + GOOD[32:],
        bytes(32) + b"{}",
        bytes(32) + b'[["a",1]]',
        bytes(32) + b'{"a":1,"a":1}',
        bytes(32) + b'{"a": 1}',
        bytes(32) + b'{"a":1} ',
        bytes(32) + b'{"\\u0061":1}',
        bytes(32) + b'{"a":1',
        bytes(32) + b'{"a":"\xff"}',
    ],
)
def test_another_way_to_write_a_plaintext_is_refused(plaintext: bytes) -> None:
    with pytest.raises(MalformedDisclosure):
        parse_plaintext(plaintext)


def test_an_erased_part_holds_its_digests_in_byte_order() -> None:
    low, high = bytes(32), b"\xff" * 32
    assert erased_part([high, low]) == b"\x02" + low + high
    assert parse_erased(b"\x02" + low + high) == [low, high]
    assert parse_erased(b"\x01" + low) is None
    assert parse_erased(b"") is None


@pytest.mark.parametrize("body", [b"", bytes(31), bytes(33), bytes(64), b"\xff" * 32 + bytes(32)])
def test_another_list_of_digests_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedDisclosure):
        parse_erased(b"\x02" + body)

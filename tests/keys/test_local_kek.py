"""The key-encryption key in a file: wrapping, context, rotation, and what does not unwrap."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tlog.errors import ConfigurationInvalid, DecryptionFailed
from tlog.keys.kek import KeyEncryptionProvider, rewrap_many
from tlog.keys.local_kek import LocalKek, create_local_kek, load_local_kek

KEKS = [bytes([number]) * 32 for number in (1, 2, 3)]
CONTEXT = b"person keys"


def kek(*numbers: int) -> KeyEncryptionProvider:
    return LocalKek([KEKS[number] for number in numbers or (0,)], os.urandom)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=4), st.binary(max_size=40))
def test_keys_wrap_and_unwrap_in_order(keys: list[bytes], context: bytes) -> None:
    wrapped = kek().wrap_many(keys, context)
    assert kek().unwrap_many(wrapped, context) == keys
    assert len(set(wrapped)) == len(keys)
    assert not any(key in each for key in keys for each in wrapped)


def test_the_wrapped_form_is_the_documented_one() -> None:
    nonce = b"n" * 12
    [wrapped] = LocalKek([KEKS[0]], lambda size: nonce[:size]).wrap_many([b"k" * 32], CONTEXT)
    header = b"\x01" + sha256(b"tlog-audit/v1 kek\n" + KEKS[0]).digest()[:8]
    assert wrapped == header + nonce + AESGCM(KEKS[0]).encrypt(nonce, b"k" * 32, header + CONTEXT)
    assert len(wrapped) == 69


@given(st.data())
def test_a_changed_key_or_context_does_not_unwrap(data: st.DataObject) -> None:
    [wrapped] = kek().wrap_many([b"k" * 32], CONTEXT)
    place = data.draw(st.integers(0, len(wrapped) - 1))
    flipped = bytes([*wrapped[:place], wrapped[place] ^ data.draw(st.integers(1, 255)), *wrapped[place + 1 :]])
    for mangled in (flipped, wrapped[:place], wrapped + b"\0"):
        with pytest.raises(DecryptionFailed):
            kek().unwrap_many([wrapped, mangled], CONTEXT)
    with pytest.raises(DecryptionFailed):
        kek().unwrap_many([wrapped], CONTEXT + b"x")


def test_rotation_keeps_old_keys_readable_and_finds_them() -> None:
    old = kek(0).wrap_many([b"a" * 32, b"b" * 32], CONTEXT)
    rotated = kek(0, 1)
    assert rotated.unwrap_many(old, CONTEXT) == [b"a" * 32, b"b" * 32]
    assert [rotated.is_current(each) for each in old] == [False, False]
    new = rewrap_many(rotated, old, CONTEXT)
    assert all(rotated.is_current(each) for each in new)
    assert kek(1).unwrap_many(new, CONTEXT) == [b"a" * 32, b"b" * 32]
    with pytest.raises(DecryptionFailed, match="not here"):
        kek(1, 2).unwrap_many(old, CONTEXT)


@pytest.mark.parametrize("keks", [[], [KEKS[0], KEKS[0]], [bytes(32)], [b"short"]])
def test_keks_that_cannot_be_meant_are_refused(keks: list[bytes]) -> None:
    with pytest.raises(ConfigurationInvalid):
        LocalKek(keks, os.urandom)


def test_files(tmp_path: Path) -> None:
    first, second = tmp_path / "kek-1", tmp_path / "kek-2"
    create_local_kek(first, os.urandom)
    wrapped = load_local_kek(first, os.urandom).wrap_many([b"k" * 32], CONTEXT)
    create_local_kek(second, os.urandom)
    rotated = load_local_kek(second, os.urandom, previous=[first])
    assert rotated.unwrap_many(wrapped, CONTEXT) == [b"k" * 32]
    assert not rotated.is_current(wrapped[0])
    with pytest.raises(ConfigurationInvalid, match="not overwritten"):
        create_local_kek(first, os.urandom)
    first.write_bytes(b"k" * 31)
    with pytest.raises(ConfigurationInvalid, match="31 bytes instead of 32"):
        load_local_kek(first, os.urandom)


def test_its_text_form_shows_no_key() -> None:
    provider = LocalKek([KEKS[0]], os.urandom)
    assert KEKS[0].hex() not in repr(provider)
    assert repr(KEKS[0])[2:-1] not in repr(provider)

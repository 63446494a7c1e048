from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.mangle import require_refusal_or_identity, text_parser
from tests.formats.material import LOG, LOG_PQ, WITNESS_PQ, WITNESSES, ed25519_key, key_names, ml_dsa_key
from tlog.errors import MalformedKey
from tlog.formats.encoding import b64encode
from tlog.formats.vkey import SignatureType, VKey, key_id, parse_vkey

KEY = LOG.vkey.public_key
PQ_KEY = LOG_PQ.vkey.public_key
ED25519_TYPES = (SignatureType.ED25519, SignatureType.COSIGNATURE_ED25519)

vkeys = st.builds(VKey, key_names, st.sampled_from(ED25519_TYPES), st.just(KEY)) | st.builds(
    VKey, key_names, st.just(SignatureType.COSIGNATURE_ML_DSA_44), st.just(PQ_KEY)
)


@given(vkeys)
def test_round_trip(vkey: VKey) -> None:
    assert parse_vkey(vkey.encode()) == vkey


def test_the_key_id_is_the_hash_of_the_specification() -> None:
    plain = b"n\n\x04" + KEY
    assert key_id("n", SignatureType.COSIGNATURE_ED25519, KEY) == hashlib.sha256(plain).digest()[:4]
    ids = {key_id("n", type_, KEY) for type_ in SignatureType}
    assert len(ids) == 3  # one key used for two types has two key IDs


@pytest.mark.parametrize("vkey", [LOG.vkey, LOG_PQ.vkey, WITNESSES[0].vkey, WITNESS_PQ.vkey])
def test_signers_have_vkeys_that_parse(vkey: VKey) -> None:
    assert parse_vkey(vkey.encode()) == vkey


@pytest.mark.parametrize(("vkey", "step"), [(LOG.vkey, 1), (WITNESSES[0].vkey, 1), (LOG_PQ.vkey, 13)])
def test_every_mangled_vkey_is_refused(vkey: VKey, step: int) -> None:
    data = vkey.encode().encode()
    refused = require_refusal_or_identity(
        data, text_parser(parse_vkey), lambda v: v.encode().encode(), MalformedKey, step
    )
    assert refused > 1000


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused(text: str) -> None:
    for whole in (text, "name+530d903a+" + text, text + "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"):
        try:
            assert parse_vkey(whole).encode() == whole
        except MalformedKey:
            continue


def test_a_wrong_key_id_is_refused() -> None:
    with pytest.raises(MalformedKey, match="key ID '530d903b' is not that"):
        parse_vkey("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    with pytest.raises(MalformedKey, match="key ID '530D903A'"):  # lowercase only
        parse_vkey("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")


def made(name: str, type_: int, public_key: bytes) -> str:
    """A vkey with the right key ID, whatever it holds."""
    digest = hashlib.sha256(name.encode() + b"\n" + bytes([type_]) + public_key).digest()
    return f"{name}+{digest[:4].hex()}+{b64encode(bytes([type_]) + public_key)}"


@pytest.mark.parametrize("type_", [0x00, 0x02, 0x03, 0x05, 0x07, 0xFA, 0xFF])
def test_other_types_are_refused(type_: int) -> None:
    with pytest.raises(MalformedKey, match=f"type 0x{type_:02x} is not supported"):
        parse_vkey(made("n", type_, KEY))


@pytest.mark.parametrize(
    ("type_", "length"), [(1, 0), (1, 31), (1, 33), (4, 31), (4, 64), (6, 32), (6, 1311), (6, 1313), (4, 1312)]
)
def test_keys_of_another_length_are_refused(type_: int, length: int) -> None:
    with pytest.raises(MalformedKey, match=f"{length} bytes"):
        parse_vkey(made("n", type_, b"\x07" * length))


@pytest.mark.parametrize("name", ["", " ", "a b", "a\tb", "a\nb", "a\u3000", "a\x1f", "\x00"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(MalformedKey):
        parse_vkey(made(name, 1, KEY))
    with pytest.raises(MalformedKey):
        VKey(name, SignatureType.ED25519, KEY)


def test_a_plus_cannot_be_in_a_name() -> None:
    with pytest.raises(MalformedKey):
        parse_vkey(made("a+b", 1, KEY))
    with pytest.raises(MalformedKey, match="Unicode space or plus"):
        VKey("a+b", SignatureType.ED25519, KEY)


def test_the_name_of_an_ml_dsa_cosigner_has_at_most_255_bytes() -> None:
    fits = "é" * 127 + "x"
    assert VKey(fits, SignatureType.COSIGNATURE_ML_DSA_44, PQ_KEY).name == fits
    with pytest.raises(MalformedKey, match="255 bytes"):
        parse_vkey(made("é" * 128, 6, PQ_KEY))
    assert parse_vkey(made("é" * 128, 4, KEY)).name == "é" * 128


@pytest.mark.parametrize("text", ["", "a", "a+b", "a+530d903a", "++", "a++", "a+530d903a+"])
def test_missing_parts_are_refused(text: str) -> None:
    with pytest.raises(MalformedKey):
        parse_vkey(text)


def test_an_enormous_vkey_is_refused() -> None:
    with pytest.raises(MalformedKey, match="characters, more than"):
        parse_vkey("a" * (1 << 20))


def test_the_same_key_under_two_types_is_two_vkeys() -> None:
    key = ed25519_key("shared").public_key().public_bytes_raw()
    first, second = (VKey("n", type_, key) for type_ in ED25519_TYPES)
    assert first.key_id != second.key_id
    assert len(ml_dsa_key("shared").public_key().public_bytes_raw()) == 1312

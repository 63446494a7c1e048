"""Signing, and which points are refused as keys: ours, a naive RFC 8032 decoder as oracle, and C2SP's edge cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.material import LOG, LOG_PQ, WITNESSES, ed25519_key
from tests.shared import shared_dir
from tlog.errors import MalformedKey, SignatureInvalid
from tlog.formats.ed25519 import Ed25519Signer, Ed25519Verifier, check_point
from tlog.formats.vkey import SignatureType, VKey

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
VECTORS = Path(__file__).parent / "vectors"
Point = tuple[int, int]


def decode(data: bytes) -> Point | None:
    """RFC 8032 section 5.1.3, step by step."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x + u) % P == 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (v * x * x - u) % P:
        return None
    if x == 0 and sign:
        return None
    return (P - x if x % 2 != sign else x), y


def add(a: Point, b: Point) -> Point:
    """The affine addition law of the curve -x² + y² = 1 + d·x²·y²."""
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, P - 2, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, P - 2, P)
    return x % P, y % P


def acceptable(data: bytes) -> bool:
    point = decode(data)
    if point is None:
        return False
    for _ in range(3):
        point = add(point, point)
    return point != (0, 1)


def accepted(data: bytes) -> bool:
    try:
        check_point(data)
    except MalformedKey:
        return False
    return True


@given(st.binary(min_size=32, max_size=32))
def test_points_as_a_naive_decoder_finds_them(data: bytes) -> None:
    assert accepted(data) == acceptable(data)


@pytest.mark.parametrize("y", [*range(40), *range(P - 40, 2**255)])
def test_points_at_the_edges_of_the_field(y: int) -> None:
    for sign in (0, 1):
        data = (y | sign << 255).to_bytes(32, "little")
        assert accepted(data) == acceptable(data)


@given(st.binary(min_size=32, max_size=32))
def test_every_real_key_is_accepted(secret: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    check_point(key)


def weak_keys() -> list[str]:
    keys: list[str] = json.loads((VECTORS / "weak-ed25519-keys.json").read_text())["refused"]
    return keys


@pytest.mark.parametrize("key", weak_keys())
def test_weak_keys_are_refused_wherever_a_key_is_configured(key: str) -> None:
    for type_ in (SignatureType.ED25519, SignatureType.COSIGNATURE_ED25519):
        with pytest.raises(MalformedKey, match=r"small order|canonical"):
            VKey("n", type_, bytes.fromhex(key))


def test_the_edge_cases_of_c2sp() -> None:
    cases = json.loads((shared_dir() / "vectors" / "ed25519-edge-cases.json").read_text())
    refused: set[str] = set()
    kept: set[str] = set()
    for case in cases:
        weak = {"low_order_A", "non_canonical_A"} & set(case["flags"] or [])
        assert accepted(bytes.fromhex(case["key"])) == (not weak), case["number"]
        (refused if weak else kept).add(case["key"])
    assert refused <= set(weak_keys())
    assert len(refused) == 14
    assert len(kept) == 8


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length(length: int) -> None:
    with pytest.raises(MalformedKey, match=f"{length} bytes where 32 belong"):
        check_point(b"\x58" * length)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 511))
def test_sign_and_verify(text: str, bit: int) -> None:
    value = LOG.sign(text).value
    verifier = Ed25519Verifier(LOG.vkey)
    verifier.verify(text, value)
    broken = bytearray(value)
    broken[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SignatureInvalid, match=r"example\.com/log"):
        verifier.verify(text, bytes(broken))
    with pytest.raises(SignatureInvalid):
        verifier.verify(text + "\n", value)


@pytest.mark.parametrize("value", [b"", b"x", bytes(63), bytes(64), bytes(65), bytes(2000)])
def test_a_value_of_any_length_is_refused_alike(value: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        Ed25519Verifier(LOG.vkey).verify("text\n", value)


def test_s_is_reduced() -> None:
    """RFC 8032 section 5.1.7: S + L is another spelling of S and must not verify."""
    order = 2**252 + 27742317777372353535851937790883648493
    value = LOG.sign("text\n").value
    s = int.from_bytes(value[32:], "little") + order
    with pytest.raises(SignatureInvalid):
        Ed25519Verifier(LOG.vkey).verify("text\n", value[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("vkey", [WITNESSES[0].vkey, LOG_PQ.vkey])
def test_only_keys_of_this_type(vkey: VKey) -> None:
    with pytest.raises(MalformedKey, match="not an Ed25519 key"):
        Ed25519Verifier(vkey)


def test_a_signer_names_its_key() -> None:
    signer = Ed25519Signer("a.example/b", ed25519_key("a"))
    signature = signer.sign("text\n")
    assert signature.key == (signer.vkey.name, signer.vkey.key_id)
    with pytest.raises(MalformedKey):
        Ed25519Signer("a b", ed25519_key("a"))

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from tests.formats.mangle import mangled
from tests.service.identity.signer import jwk, key, key_set, key_set_bytes
from tlog.errors import MalformedProviderAnswer
from tlog.service.identity.key_set import MAX_KEYS, parse_key_set


def weak() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {**RSAKey.generate_key(1024).as_dict(private=False), "kid": "weak"}


@pytest.mark.parametrize(
    "other",
    [
        jwk(use="enc", kid="e"),
        jwk(key_ops=["encrypt"], kid="e"),
        jwk(key_ops="verify", kid="e"),
        {**key("RS256", "private").as_dict(private=True)},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "o"},
        {"kty": "future", "kid": "f"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "c"},
        jwk("ES256", "off", x="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        jwk("Ed25519", "x", x="AA"),
        jwk(n="AQAB", kid="n"),
        jwk(n="!", kid="n"),
        jwk(n=7, kid="n"),
        jwk(e="", kid="n"),
        jwk(kid=7),
        jwk(kid="a", alg=["RS256"]),
        jwk(kid="c", crv="P-256"),
        weak(),
        jwk(n="v" * 9000, kid="big"),
        7,
        None,
    ],
    ids=lambda item: item.get("kid") if isinstance(item, dict) and isinstance(item.get("kid"), str) else "other",
)
def test_what_is_no_key_for_signatures_is_ignored(other: Any) -> None:
    assert len(parse_key_set(json.dumps({"keys": [jwk(), other]}).encode()).keys) == 1
    with pytest.raises(MalformedProviderAnswer, match="none of its keys"):
        parse_key_set(json.dumps({"keys": [other]}).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[]}',
        b'{"keys":[],"keys":[]}',
        json.dumps({"keys": [jwk()] * (MAX_KEYS + 1)}).encode(),
        key_set_bytes(jwk(), jwk()),
    ],
)
def test_what_is_no_key_set(data: bytes) -> None:
    with pytest.raises(MalformedProviderAnswer):
        parse_key_set(data)


def test_keys_of_two_types_may_share_a_kid() -> None:
    keys = key_set(jwk("RS256"), jwk("ES256"))
    assert keys.find("k1", "ES256") is not keys.find("k1", "RS256")


@given(st.dictionaries(st.sampled_from(["kty", "crv", "n", "e", "x", "y", "kid", "use", "alg"]), st.text() | st.none()))
def test_only_our_error_leaves_the_parser(item: dict[str, Any]) -> None:
    with pytest.raises(MalformedProviderAnswer):
        parse_key_set(json.dumps({"keys": [item]}).encode())


def test_only_our_error_leaves_the_parser_whatever_is_broken() -> None:
    for other in mangled(key_set_bytes(jwk("ES256"), jwk("Ed25519", "e"))):
        try:
            assert 1 <= len(parse_key_set(other).keys) <= 2
        except MalformedProviderAnswer:
            continue

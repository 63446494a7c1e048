from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import import_key

from tests.formats.mangle import mangled
from tests.service.identity.signer import access_claims, b64, jwk, key, key_set, sign, unsigned
from tlog.errors import Malformed, MalformedToken, TokenInvalid, TokenKeyUnknown
from tlog.service.identity.algorithms import ALGORITHMS
from tlog.service.identity.signed_token import MAX_TOKEN_BYTES, parse_token

CLAIMS = access_claims()


def opened(token: str, *keys: dict[str, Any]) -> dict[str, Any]:
    return parse_token(token).verified_claims(key_set(*keys))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_every_algorithm_that_is_taken(alg: str) -> None:
    assert opened(sign(CLAIMS, alg), jwk(alg)) == CLAIMS


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "HS384", "HS512", "EdDSA", "ES256K", "", "dir"])
def test_other_algorithms_are_refused(alg: str) -> None:
    with pytest.raises((TokenInvalid, MalformedToken), match="alg"):
        parse_token(unsigned({"alg": alg, "kid": "k1"}, CLAIMS))


def test_a_token_without_signature_is_no_token() -> None:
    header = {"alg": "none", "kid": "k1"}
    with pytest.raises(MalformedToken):
        parse_token(f"{b64(json.dumps(header).encode())}.{b64(json.dumps(CLAIMS).encode())}.")


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_token_signed_by_hmac_with_the_public_key_is_refused(encoding: Encoding) -> None:
    public = key().public_key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    for alg in ("HS256", "RS256"):
        head = ".".join(b64(json.dumps(item).encode()) for item in ({"alg": alg, "kid": "k1"}, CLAIMS))
        token = f"{head}.{b64(hmac.digest(public, head.encode(), hashlib.sha256))}"
        with pytest.raises(TokenInvalid):
            opened(token)


def test_no_key_comes_from_the_token() -> None:
    own = jwk("RS256", "mine")
    token = sign(CLAIMS, "RS256", "mine", jwk=own, jku="https://evil.example/keys", x5u="https://evil.example/x5u")
    with pytest.raises(TokenKeyUnknown):
        opened(token)
    with pytest.raises(TokenInvalid):
        opened(sign(CLAIMS, "RS256", "mine", kid="k1", jwk=own))


def test_an_algorithm_that_does_not_fit_the_key() -> None:
    for alg in ("ES256", "PS256", "RS512"):
        with pytest.raises(TokenInvalid, match="no single key"):
            opened(sign(CLAIMS, alg), jwk("RS256"))


def test_a_key_without_alg_serves_every_algorithm_of_its_type() -> None:
    private = {name: value for name, value in key().as_dict(private=True).items() if name != "alg"}
    token = jws.serialize_compact({"alg": "PS512", "kid": "k1"}, json.dumps(CLAIMS), import_key(private), ["PS512"])
    assert opened(token, jwk("RS256", alg=None)) == CLAIMS


def test_without_kid_one_key_must_fit() -> None:
    assert opened(sign(CLAIMS, "RS256", None)) == CLAIMS
    assert opened(sign(CLAIMS, "RS256", None), jwk("RS256"), jwk("ES256")) == CLAIMS
    with pytest.raises(TokenInvalid, match="no single key"):
        opened(sign(CLAIMS, "RS256", None), jwk("RS256"), jwk("RS256", "k2"))


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        (b'{"alg":"RS256","kid":"k1","alg":"RS256"}', CLAIMS),
        (b'{"alg":["RS256"],"kid":"k1"}', CLAIMS),
        (b'{"alg":"RS256","kid":7}', CLAIMS),
        (b'["RS256"]', CLAIMS),
        (b"\xff", CLAIMS),
        (b"{}", CLAIMS),
    ],
)
def test_a_bad_header(header: bytes, claims: dict[str, Any]) -> None:
    with pytest.raises((MalformedToken, TokenInvalid)):
        opened(unsigned(header, claims))


@pytest.mark.parametrize(
    "claims",
    [
        b'{"iss":"https://id.example","sub":"a","sub":"b"}',
        b'{"sub":"a","\\u0073ub":"b"}',
        b'["a"]',
        b'"a"',
        b"\xff\xfe",
        b"{",
        b"[" * 70 + b"]" * 70,
    ],
)
def test_signed_claims_that_are_no_object_without_repeats(claims: bytes) -> None:
    with pytest.raises(MalformedToken):
        opened(sign(claims))


def test_extensions_are_refused() -> None:
    head = b64(json.dumps({"alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": False}).encode())
    with pytest.raises(TokenInvalid, match="crit"):
        parse_token(f"{head}.e30.eA")


def test_a_huge_token_is_refused_before_it_is_read() -> None:
    assert parse_token(sign({"pad": "x" * 11_000})).alg == "RS256"
    with pytest.raises(MalformedToken, match=str(MAX_TOKEN_BYTES)):
        parse_token(sign({"pad": "x" * 13_000}))
    with pytest.raises(MalformedToken):
        parse_token("a" * (1 << 20))


@pytest.mark.parametrize(
    "text", ["", "a", "a.b", "a.b.c.d", "a.b.c.d.e", "a..c", ".b.c", "a.b.", "ä.b.c", "a.b.c\n", "a .b.c"]
)
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(MalformedToken):
        parse_token(text)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "Ed25519"])
def test_no_mangled_token_is_taken(alg: str) -> None:
    token = sign({"sub": "s"}, alg)
    keys = key_set(jwk(alg))
    for other in mangled(token.encode()):
        try:
            claims = parse_token(other.decode("latin-1")).verified_claims(keys)
        except (Malformed, TokenInvalid):
            continue
        # Only a signature whose unused last bits differ spells the same bytes.
        assert claims == {"sub": "s"}
        assert other.rpartition(b".")[0] == token.encode().rpartition(b".")[0]

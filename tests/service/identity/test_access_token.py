from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from tests.service.identity.signer import AUDIENCE, CLIENT, ISSUER, NOW, access_claims, b64, id_claims
from tlog.errors import TokenInvalid
from tlog.service.identity.access_token import ExpectedAccess, check_access_token, check_type

EXPECTED = ExpectedAccess(ISSUER, AUDIENCE, "rfc9068", NOW)
PLAIN = replace(EXPECTED, profile="jwt")


def test_a_good_token() -> None:
    assert check_access_token(access_claims(), EXPECTED) == (NOW + 300, "svc")
    assert check_access_token(access_claims(aud=AUDIENCE), EXPECTED) == (NOW + 300, "svc")
    assert check_access_token(access_claims(aud=["other", AUDIENCE]), EXPECTED) == (NOW + 300, "svc")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": CLIENT}, "another audience"),
        ({"aud": None}, "for whom"),
        ({"exp": NOW - 60}, "expired"),
        ({"exp": None}, "when"),
        ({"exp": NOW + 24 * 3600 + 61}, "can't be revoked"),
        ({"iat": NOW + 61}, "future"),
        ({"nbf": NOW + 61}, "future"),
        ({"sub": None}, "sub"),
        ({"client_id": None}, "client_id"),
        ({"client_id": 7}, "client_id"),
        ({"jti": None}, "jti"),
        ({"cnf": {"jkt": "x"}}, "not known here"),
        ({"cnf": {"x5t#S256": "x", "jkt": "x"}}, "not known here"),
        ({"cnf": "x"}, "not known here"),
        ({"cnf": {"x5t#S256": 7}}, "not known here"),
        ({"cnf": {"x5t#S256": "x"}}, "another or none"),
        ({"cnf": {"x5t#S256": ""}}, "another or none"),
    ],
    ids=str,
)
def test_what_is_refused(changed: dict[str, Any], said: str) -> None:
    if changed == {"cnf": {"x5t#S256": ""}}:
        with pytest.raises(TokenInvalid):
            check_access_token(access_claims(**changed), replace(EXPECTED, thumbprint=bytes(32)))
        return
    with pytest.raises(TokenInvalid, match=said):
        check_access_token(access_claims(**changed), EXPECTED)


def test_a_token_bound_to_a_certificate_is_worth_nothing_without_it() -> None:
    """RFC 8705 section 3.1."""
    thumbprint = hashlib.sha256(b"der").digest()
    claims = access_claims(cnf={"x5t#S256": b64(thumbprint)})
    check_access_token(claims, replace(EXPECTED, thumbprint=thumbprint))
    for other in (None, hashlib.sha256(b"other").digest()):
        with pytest.raises(TokenInvalid, match="client certificate"):
            check_access_token(claims, replace(EXPECTED, thumbprint=other))


def test_the_plain_profile_needs_no_client_and_takes_azp() -> None:
    claims = access_claims(client_id=None, jti=None)
    assert check_access_token(claims, PLAIN) == (NOW + 300, None)
    assert check_access_token({**claims, "azp": "svc"}, PLAIN) == (NOW + 300, "svc")
    assert check_access_token({**claims, "azp": 7}, PLAIN) == (NOW + 300, None)


def test_an_id_token_is_no_bearer_token() -> None:
    with pytest.raises(TokenInvalid, match="audience"):
        check_access_token(id_claims(), PLAIN)


@pytest.mark.parametrize(
    ("typ", "profiles"),
    [
        ("at+jwt", {"rfc9068", "jwt"}),
        ("AT+JWT", {"rfc9068", "jwt"}),
        ("application/at+jwt", {"rfc9068", "jwt"}),
        ("JWT", {"jwt"}),
        (None, {"jwt"}),
        ("dpop+jwt", set()),
        ("logout+jwt", set()),
    ],
)
def test_types(typ: str | None, profiles: set[str]) -> None:
    for profile in ("rfc9068", "jwt"):
        if profile in profiles:
            check_type(typ, profile)
        else:
            with pytest.raises(TokenInvalid, match="typ"):
                check_type(typ, profile)

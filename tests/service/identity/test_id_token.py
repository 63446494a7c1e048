from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.service.identity.signer import CLIENT, ISSUER, NOW, id_claims
from tlog.errors import TokenInvalid
from tlog.service.identity.id_token import Expected, check_id_token

EXPECTED = Expected(ISSUER, CLIENT, (), "n-1", None, NOW)


def test_a_good_token() -> None:
    assert check_id_token(id_claims(), "RS256", EXPECTED) == NOW + 300
    assert check_id_token(id_claims(aud=[CLIENT], azp=CLIENT), "RS256", EXPECTED) == NOW + 300
    assert check_id_token(id_claims(exp=NOW + 0.5, nbf=NOW), "RS256", EXPECTED) == NOW


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": ISSUER + "/"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "other"}, "another client"),
        ({"aud": None}, "for whom"),
        ({"aud": []}, "for whom"),
        ({"aud": [CLIENT, 7]}, "for whom"),
        ({"aud": {CLIENT: 1}}, "for whom"),
        ({"aud": [CLIENT, "other"]}, "also for others"),
        ({"aud": [CLIENT, "other"], "azp": CLIENT}, "also for others"),
        ({"azp": "other"}, "another client"),
        ({"exp": None}, "when"),
        ({"iat": None}, "when"),
        ({"exp": NOW - 60}, "expired"),
        ({"exp": True}, "exp is not a time"),
        ({"exp": str(NOW + 300)}, "exp is not a time"),
        ({"exp": -1}, "exp is not a time"),
        ({"exp": float(2**60)}, "exp is not a time"),
        ({"iat": NOW + 61}, "future"),
        ({"nbf": NOW + 61}, "future"),
        ({"iat": NOW - 661}, "not for this login"),
        ({"nonce": None}, "nonce"),
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": ["n-1"]}, "nonce"),
        ({"nonce": "ñ"}, "nonce"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "s" * 256}, "sub"),
        ({"sub": "Zoë"}, "sub"),
        ({"sub": "a\nb"}, "sub"),
    ],
    ids=str,
)
def test_what_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(TokenInvalid, match=said):
        check_id_token(id_claims(**changed), "RS256", EXPECTED)


def test_a_minute_of_difference_between_the_clocks() -> None:
    check_id_token(id_claims(exp=NOW - 59, iat=NOW - 400), "RS256", EXPECTED)
    check_id_token(id_claims(iat=NOW + 60, nbf=NOW + 60), "RS256", EXPECTED)


def test_audiences_that_are_trusted_need_to_say_who_asked() -> None:
    trusting = replace(EXPECTED, trusted_audiences=("other",))
    check_id_token(id_claims(aud=["other", CLIENT], azp=CLIENT), "RS256", trusting)
    with pytest.raises(TokenInvalid, match="who asked"):
        check_id_token(id_claims(aud=["other", CLIENT]), "RS256", trusting)


def test_the_access_token_is_the_one_that_was_signed_for() -> None:
    """The example of OpenID Connect Core, appendix A.3."""
    token, at_hash = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "77QmUPtjPfzWtF2AnpK9RQ"
    expected = replace(EXPECTED, access_token=token)
    check_id_token(id_claims(at_hash=at_hash), "RS256", expected)
    check_id_token(id_claims(), "RS256", expected)
    for wrong, alg in ((at_hash[:-1] + "A", "RS256"), (at_hash, "RS512"), (at_hash, "Ed25519"), (7, "RS256")):
        with pytest.raises(TokenInvalid, match="at_hash"):
            check_id_token(id_claims(at_hash=wrong), alg, expected)

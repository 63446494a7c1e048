from __future__ import annotations

import pytest

from tests.service.identity.signer import access_claims, b64, jwk, key_set_bytes, sign
from tests.service.identity.simulator import parts
from tlog.errors import MalformedToken, TokenInvalid
from tlog.service.identity.bearer import looks_like_jwt


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (sign(access_claims()), True),
        ("eyJ.a.b", True),
        ("tlog_" + "x" * 43, False),
        ("tlog_a.b.c", False),
        ("eyJhbGciOiJub25lIn0", False),
        ("eyJ.a.b.c.d", False),
        ("", False),
    ],
)
def test_what_is_meant_as_a_jwt(text: str, is_one: bool) -> None:
    assert looks_like_jwt(text) is is_one


async def test_a_token_without_its_type_does_not_reach_the_keys() -> None:
    async with parts() as at:
        with pytest.raises(TokenInvalid, match="typ"):
            await at.bearer.identify(sign(access_claims(iss=at.simulator.issuer), "RS256", "k1", typ="JWT"))
        with pytest.raises(MalformedToken):
            await at.bearer.identify("eyJ.a.b")
        assert at.simulator.asked == []


@pytest.mark.parametrize("alg", ["ES256", "Ed25519", "PS384"])
async def test_services_with_keys_of_other_types(alg: str) -> None:
    async with parts() as at:
        at.simulator.keys = key_set_bytes(jwk(), jwk(alg, "other"))
        token = sign(access_claims(iss=at.simulator.issuer), alg, "other", typ="at+jwt")
        assert (await at.bearer.identify(token)).subject == "svc-1"


async def test_a_token_that_is_bound_to_a_certificate() -> None:
    async with parts() as at:
        bound = access_claims(iss=at.simulator.issuer, cnf={"x5t#S256": b64(bytes(32))})
        token = sign(bound, "RS256", "k1", typ="at+jwt")
        assert (await at.bearer.identify(token, bytes(32))).subject == "svc-1"
        with pytest.raises(TokenInvalid, match="client certificate"):
            await at.bearer.identify(token)

from __future__ import annotations

import pytest

from tests.service.identity.signer import access_claims, b64, jwk, key_set_bytes, sign
from tests.service.identity.simulator import parts
from tlog.errors import MalformedToken, NoRole, TokenInvalid, TokenRefused
from tlog.storage.roles import Role


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


async def test_what_a_token_stands_for_in_the_log() -> None:
    async with parts() as at:
        claims = access_claims(iss=at.simulator.issuer, groups=["dpo-group"])
        principal = await at.bearer.principal(sign(claims, "RS256", "k1", typ="at+jwt"))
        assert (principal.name, list(principal.roles)) == ("svc-1", [Role.DPO])
        with pytest.raises(NoRole):
            await at.bearer.principal(sign(claims | {"groups": ["x"]}, "RS256", "k1", typ="at+jwt"))
        for bad in ("x.y.z", sign(claims | {"aud": "x"}, "RS256", "k1", typ="at+jwt")):
            with pytest.raises(TokenRefused):
                await at.bearer.principal(bad)

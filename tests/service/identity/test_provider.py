"""What a provider may do to us over the network, and what it costs it and us."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.http.certificate import self_signed
from tests.processes import free_port
from tests.service.identity.signer import access_claims, jwk, key_set_bytes, sign
from tests.service.identity.simulator import DISCOVERY, Parts, Simulator, answer, parts
from tlog.errors import ConfigurationInvalid, ProviderFailed, TokenInvalid, TokenKeyUnknown
from tlog.service.identity.fetch import Fetch, provider_session
from tlog.service.identity.provider import Provider
from tlog.service.identity.refreshed import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS
from tlog.service.identity.settings import OidcSettings


def token(at: Parts, kid: str = "k1", **changed: Any) -> str:
    claims = access_claims(**({"iss": at.simulator.issuer} | changed))
    return sign(claims, "RS256", kid, typ="at+jwt")


async def test_a_service_is_known_by_its_token() -> None:
    async with parts() as at:
        identity = await at.bearer.identify(token(at))
        assert (identity.issuer, identity.subject, identity.client) == (at.simulator.issuer, "svc-1", "svc")
        assert identity.groups == ("log-auditors",)
        assert at.simulator.asked == [DISCOVERY, "/keys"]
        await at.bearer.identify(token(at))
        assert at.simulator.asked == [DISCOVERY, "/keys"]


async def test_a_new_key_is_fetched_when_it_is_first_used() -> None:
    async with parts() as at:
        await at.bearer.identify(token(at))
        at.simulator.keys = key_set_bytes(jwk("RS256", "k2"))
        at.clock.now += PAUSE_SECONDS
        await at.bearer.identify(token(at, "k2"))
        with pytest.raises(TokenKeyUnknown):
            await at.bearer.identify(token(at, "k1"))


async def test_a_flood_of_unknown_keys_costs_the_provider_one_request() -> None:
    async with parts() as at:
        await at.bearer.identify(token(at))
        at.clock.now += PAUSE_SECONDS
        before = len(at.simulator.asked)
        flood = [sign(access_claims(), "ES256", None, typ="at+jwt", kid=f"no-{number}") for number in range(200)]
        ended = await asyncio.gather(*map(at.bearer.identify, flood), return_exceptions=True)
        assert {type(error) for error in ended} == {TokenKeyUnknown}
        assert at.simulator.asked[before:] == ["/keys"]
        await at.bearer.identify(token(at))


async def test_withdrawn_keys_are_not_taken_once_the_keys_are_old() -> None:
    async with parts() as at:
        await at.bearer.identify(token(at))
        at.simulator.keys = key_set_bytes(jwk("RS256", "k2"))
        at.clock.now += FRESH_SECONDS
        with pytest.raises(TokenKeyUnknown):
            await at.bearer.identify(token(at, exp=int(at.clock.now) + 60, iat=int(at.clock.now)))


async def test_a_provider_that_is_away_is_not_needed_for_a_while() -> None:
    async with parts() as at:
        await at.bearer.identify(token(at))
        at.simulator.answers = {"/keys": answer(503), DISCOVERY: answer(503)}
        for later, works in ((FRESH_SECONDS, True), (STALE_SECONDS, False)):
            at.clock.now += later
            now = int(at.clock.now)
            said = token(at, iat=now, exp=now + 60)
            if works:
                await at.bearer.identify(said)
            else:
                with pytest.raises(ProviderFailed, match="503"):
                    await at.bearer.identify(said)


async def test_a_provider_that_is_away_is_not_asked_for_each_token() -> None:
    async with parts() as at:
        at.simulator.answers[DISCOVERY] = answer(500)
        for _ in range(20):
            with pytest.raises(ProviderFailed):
                await at.bearer.identify(token(at))
        assert at.simulator.asked == [DISCOVERY]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    async with parts() as at:
        elsewhere = f"{at.simulator.issuer}/elsewhere"
        at.simulator.answers[DISCOVERY] = answer(status, Location=elsewhere)
        with pytest.raises(ProviderFailed, match=f"discovery document answered {status}"):
            await at.provider.metadata()
        assert at.simulator.asked == [DISCOVERY]


async def test_a_document_of_another_issuer_is_refused() -> None:
    async with parts() as at:
        at.simulator.metadata = {"issuer": "https://evil.example"}
        with pytest.raises(ProviderFailed, match="its issuer is not the one"):
            await at.provider.metadata()


async def test_an_oversized_answer_is_not_read_to_its_end() -> None:
    async with parts(max_bytes=10_000) as at:
        at.simulator.keys = key_set_bytes(jwk(pad="x" * 9_000))
        await at.bearer.identify(token(at))
    async with parts(max_bytes=10_000) as at:
        at.simulator.keys = key_set_bytes(jwk(pad="x" * 10_000))
        with pytest.raises(ProviderFailed, match="key set sends over 10000 bytes"):
            await at.bearer.identify(token(at))


async def test_a_compressed_answer_is_not_unpacked() -> None:
    async with parts() as at:
        at.simulator.answers["/keys"] = answer(200, b"\x1f\x8b\x08\x00", **{"Content-Encoding": "gzip"})
        with pytest.raises(ProviderFailed, match="key set: not"):
            await at.bearer.identify(token(at))


async def test_nobody_there_and_somebody_who_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port, said in (
            (silent.getsockname()[1], "TimeoutError|ServerTimeoutError"),
            (free_port(), "ConnectorError"),
        ):
            settings = OidcSettings(f"http://127.0.0.1:{port}", "c")
            async with provider_session(None, total_seconds=0.3) as session:
                with pytest.raises(ProviderFailed, match=rf"document can't be asked: \w*{said}"):
                    await Provider(settings, Fetch(session)).metadata()


async def test_a_provider_under_a_private_authority(tmp_path: Path) -> None:
    certificate, key_file = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key_file)
    simulator = Simulator()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", simulator.handle)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    try:
        simulator.issuer = str(server.make_url("")).rstrip("/")
        settings = OidcSettings(simulator.issuer, "c")
        async with provider_session(str(certificate)) as session:
            assert (await Provider(settings, Fetch(session)).metadata()).issuer == simulator.issuer
        async with provider_session(None) as session:
            with pytest.raises(ProviderFailed, match="CertificateError"):
                await Provider(settings, Fetch(session)).metadata()
    finally:
        await server.close()
    with pytest.raises(ConfigurationInvalid, match=r"oidc\.ca"):
        async with provider_session(str(tmp_path / "no.pem")):
            raise AssertionError


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"aud": "tlog"}, "another audience"),
        ({"exp": 1}, "expired"),
    ],
)
async def test_what_a_tokens_claims_must_be(changed: dict[str, Any], said: str) -> None:
    async with parts() as at:
        with pytest.raises(TokenInvalid, match=said):
            await at.bearer.identify(token(at, **changed))


async def test_an_id_token_is_no_bearer_token_even_of_the_plain_profile() -> None:
    async with parts(access_profile="jwt") as at:
        with pytest.raises(TokenInvalid, match="audience"):
            await at.bearer.identify(token(at, aud="tlog"))
        await at.bearer.identify(sign(access_claims(iss=at.simulator.issuer)))

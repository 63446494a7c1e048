from __future__ import annotations

from typing import Any

import pytest

from tests.service.identity.signer import CLIENT, NOW, id_claims, sign, unsigned
from tests.service.identity.simulator import CALLBACK, Parts, answer, parts
from tlog.errors import LoginRefused, ProviderFailed
from tlog.service.identity.authorization import LOGIN_SECONDS, challenge_of
from tlog.service.identity.identity import Identity


async def log_in(at: Parts, **changed: str) -> Identity:
    """Begin a login and end it with the provider's right answer, in which `changed` is replaced."""
    login, url = await at.login.begin("/ui/")
    sent = at.simulator.sent_to(url)
    return await at.login.finish(login, {"code": "c-1", "state": sent["state"]} | changed)


async def test_the_flow() -> None:
    async with parts() as at:
        login, url = await at.login.begin("/ui/")
        sent = at.simulator.sent_to(url)
        assert (sent["response_type"], sent["client_id"], sent["redirect_uri"]) == ("code", CLIENT, CALLBACK)
        assert (sent["scope"], sent["code_challenge_method"]) == ("openid profile email", "S256")
        identity = await at.login.finish(login, {"code": "c-1", "state": sent["state"], "iss": at.simulator.issuer})
        assert (identity.subject, identity.name, identity.groups) == ("s-1", "Ada", ("dpo-group",))
        (form,) = at.simulator.forms
        assert (form["code"], form["redirect_uri"], form["grant_type"]) == ("c-1", CALLBACK, "authorization_code")
        assert challenge_of(form["code_verifier"]) == sent["code_challenge"]
        assert at.simulator.credentials == [f"{CLIENT}:s3"]
        assert "client_secret" not in form


async def test_no_two_logins_share_a_value() -> None:
    async with parts() as at:
        values = []
        for _ in range(3):
            login, _ = await at.login.begin("/ui/")
            values += [login.state, login.nonce, login.verifier]
        assert len(set(values)) == 9


async def test_a_secret_by_post_and_a_public_client() -> None:
    async with parts() as at:
        at.simulator.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        await log_in(at)
        assert at.simulator.forms[0]["client_secret"] == "s3"
        assert at.simulator.credentials == [None]
    async with parts(client_secret=None) as at:
        await log_in(at)
        assert "client_secret" not in at.simulator.forms[0]
        assert at.simulator.forms[0]["client_id"] == CLIENT


async def test_a_secret_with_signs_is_encoded_as_a_form() -> None:
    """RFC 6749 section 2.3.1."""
    async with parts(client_secret="a:b c%") as at:
        await log_in(at)
        assert at.simulator.credentials == [f"{CLIENT}:a%3Ab+c%25"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"state": "other"}, "not the answer to the login"),
        ({"state": ""}, "not the answer to the login"),
        ({"state": "\udcff"}, "not the answer to the login"),
        ({"iss": "https://evil.example"}, "not from the identity provider"),
        ({"code": ""}, "sent no code"),
        ({"code": "c" * 5000}, "sent no code"),
        ({"error": "access_denied", "error_description": "Ada is not allowed"}, "refused: access_denied"),
        ({"error": "Ada <b>"}, "refused: no known reason"),
        ({"error": "access_denied", "state": "other"}, "not the answer to the login"),
    ],
)
async def test_an_answer_that_is_not_to_this_login(changed: dict[str, str], said: str) -> None:
    async with parts() as at:
        with pytest.raises(LoginRefused, match=said) as caught:
            await log_in(at, **changed)
        assert at.simulator.forms == []
        assert "Ada" not in str(caught.value)


async def test_where_the_provider_promises_iss_it_must_come() -> None:
    """RFC 9207 section 2.4."""
    async with parts() as at:
        at.simulator.metadata = {"authorization_response_iss_parameter_supported": True}
        with pytest.raises(LoginRefused, match="iss"):
            await log_in(at)
        await log_in(at, iss=at.simulator.issuer)


async def test_a_login_that_took_too_long() -> None:
    async with parts() as at:
        login, url = await at.login.begin("/ui/")
        said = {"code": "c", "state": at.simulator.sent_to(url)["state"]}
        at.clock.now += LOGIN_SECONDS
        with pytest.raises(LoginRefused, match="longer than 600 seconds"):
            await at.login.finish(login, said)
        at.clock.now -= 1
        at.simulator.claims = {"iat": int(at.clock.now), "exp": int(at.clock.now) + 60}
        await at.login.finish(login, said)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"nonce": "other"},
        {"exp": NOW - 60},
        {"iat": NOW - 700},
        {"sub": ""},
        {"at_hash": "x"},
    ],
)
async def test_an_id_token_that_does_not_hold_logs_nobody_in(claims: dict[str, Any]) -> None:
    async with parts() as at:
        at.simulator.claims = claims
        with pytest.raises(ProviderFailed, match="ID token that does not hold"):
            await log_in(at)


@pytest.mark.parametrize(
    "id_token",
    [
        unsigned({"alg": "none"}, id_claims()),
        sign(id_claims(), "RS256", "stranger"),
        sign(id_claims(), "RS256", "stranger", kid="k1"),
        "x",
    ],
)
async def test_an_id_token_that_the_provider_did_not_sign(id_token: str) -> None:
    async with parts() as at:
        at.simulator.answers["/token"] = answer(200, {"id_token": id_token})
        with pytest.raises(ProviderFailed, match="ID token that does not hold"):
            await log_in(at)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"error":"invalid_grant","error_description":"Ada"}', LoginRefused),
        (401, b"Ada", LoginRefused),
        (403, b'{"error":["Ada"]}', LoginRefused),
        (302, b"", ProviderFailed),
        (500, b"Ada", ProviderFailed),
        (200, b"Ada", ProviderFailed),
        (200, b"{}", ProviderFailed),
        (200, b'{"id_token":7}', ProviderFailed),
        (200, b'{"id_token":"a","id_token":"b"}', ProviderFailed),
        (200, b'{"id_token":"a","access_token":"b","token_type":"DPoP"}', ProviderFailed),
    ],
)
async def test_a_token_endpoint_that_gives_no_token(status: int, body: bytes, error: type[Exception]) -> None:
    async with parts() as at:
        at.simulator.answers["/token"] = answer(status, body)
        with pytest.raises(error) as caught:
            await log_in(at)
        assert "Ada" not in str(caught.value)


async def test_userinfo_of_somebody_else_is_refused() -> None:
    """OpenID Connect Core section 5.3.2."""
    async with parts() as at:
        at.simulator.userinfo = {"sub": "s-2", "groups": ["dpo-group"]}
        with pytest.raises(ProviderFailed, match="somebody else"):
            await log_in(at)
        at.simulator.userinfo = {"groups": ["dpo-group"]}
        with pytest.raises(ProviderFailed, match="somebody else"):
            await log_in(at)


async def test_what_the_id_token_says_has_precedence() -> None:
    async with parts() as at:
        at.simulator.claims = {"groups": ["readers"]}
        identity = await log_in(at)
        assert (identity.name, identity.groups) == ("Ada", ("readers",))
        at.simulator.claims = {"groups": [], "name": "Zoë"}
        at.simulator.asked.clear()
        identity = await log_in(at)
        assert (identity.name, identity.groups) == ("Zoë", ())
        assert "/me" not in at.simulator.asked


async def test_a_provider_without_userinfo() -> None:
    async with parts() as at:
        at.simulator.metadata = {"userinfo_endpoint": None}
        identity = await log_in(at)
        assert (identity.name, identity.email, identity.groups) == (None, None, ())

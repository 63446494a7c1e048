from __future__ import annotations

import json
from typing import Any

import pytest

from tests.formats.mangle import mangled
from tests.service.identity.signer import ISSUER
from tlog.errors import MalformedProviderAnswer
from tlog.service.identity.metadata import metadata_url, parse_metadata

GOOD: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth?tenant=1",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": "https://keys.example/jwks",
    "response_types_supported": ["code", "id_token"],
    "id_token_signing_alg_values_supported": ["RS256", "none"],
}


def encode(**changed: Any) -> bytes:
    return json.dumps({name: value for name, value in (GOOD | changed).items() if value != "gone"}).encode()


def test_a_good_document() -> None:
    made = parse_metadata(encode(), ISSUER)
    assert (made.token_endpoint, made.userinfo_endpoint) == (f"{ISSUER}/token", None)
    assert (made.secret_by_post, made.iss_in_answer, made.end_session_endpoint) == (False, False, None)
    made = parse_metadata(
        encode(
            token_endpoint_auth_methods_supported=["client_secret_post"],
            authorization_response_iss_parameter_supported=True,
            end_session_endpoint=f"{ISSUER}/logout",
        ),
        ISSUER,
    )
    assert (made.secret_by_post, made.iss_in_answer) == (True, True)
    assert made.end_session_endpoint == f"{ISSUER}/logout"


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://id.example", "https://id.example/.well-known/openid-configuration"),
        ("https://id.example/", "https://id.example/.well-known/openid-configuration"),
        ("https://id.example/realms/a", "https://id.example/realms/a/.well-known/openid-configuration"),
    ],
)
def test_where_a_provider_describes_itself(issuer: str, url: str) -> None:
    assert metadata_url(issuer) == url


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://id.example/"},
        {"issuer": "https://ID.example"},
        {"issuer": "https://evil.example"},
        {"issuer": "gone"},
        {"issuer": [ISSUER]},
        {"token_endpoint": "gone"},
        {"token_endpoint": "http://id.example/token"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"jwks_uri": "http://localhost:8080/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 7},
        {"authorization_endpoint": "https://user:pw@id.example/auth"},
        {"authorization_endpoint": "https://id.example/auth#there"},
        {"authorization_endpoint": "https://id.example/a b"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "http://id.example/me"},
        {"end_session_endpoint": "http://id.example/logout"},
        {"end_session_endpoint": "javascript:alert(1)"},
        {"end_session_endpoint": "https://id.example/logout\r\nSet-Cookie: a=b"},
        {"end_session_endpoint": 7},
        {"response_types_supported": ["id_token"]},
        {"response_types_supported": "code"},
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"token_endpoint_auth_methods_supported": [7]},
        {"authorization_response_iss_parameter_supported": "yes"},
    ],
    ids=str,
)
def test_what_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(MalformedProviderAnswer):
        parse_metadata(encode(**changed), ISSUER)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", encode()[:-1] + b',"issuer":"https://id.example"}'])
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(MalformedProviderAnswer):
        parse_metadata(data, ISSUER)


def test_on_loopback_plain_http_is_taken() -> None:
    issuer = "http://localhost:9998/"
    ends = {name: f"{issuer}{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    assert parse_metadata(encode(issuer=issuer, **ends), issuer).jwks_uri == f"{issuer}jwks_uri"
    with pytest.raises(MalformedProviderAnswer, match="https"):
        parse_metadata(encode(issuer=issuer, **{**ends, "jwks_uri": "http://id.example/"}), issuer)


def test_only_our_error_leaves_the_parser_whatever_is_broken() -> None:
    refused = 0
    for other in mangled(encode()):
        try:
            made = parse_metadata(other, ISSUER)
        except MalformedProviderAnswer:
            refused += 1
            continue
        assert made.issuer == ISSUER
        assert made.token_endpoint.lower().startswith("https://")
    assert refused > 1000

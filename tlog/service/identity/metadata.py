"""What a provider says of itself: OpenID Connect Discovery 1.0, with members of RFC 8414 (PKCE), RFC 9207 (`iss`) and
RP-Initiated Logout 1.0 (`end_session_endpoint`).

    GET {issuer, without a slash at its end}/.well-known/openid-configuration

Rules (section 4.3, RFC 9700 section 2.1): the `issuer` in it is the one that was asked, character by character;
every endpoint is https, or http on loopback where the issuer is on loopback too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from tlog.errors import MalformedProviderAnswer
from tlog.service.identity.algorithms import ALGORITHMS
from tlog.service.identity.endpoint import check_endpoint
from tlog.service.identity.provider_json import member, parse_object, texts

WELL_KNOWN: Final = "/.well-known/openid-configuration"
_AUTH_METHODS: Final = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The endpoints of a provider. `iss_in_answer`: every authorization answer carries `iss` (RFC 9207).

    `end_session_endpoint` is where people log out of it.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    secret_by_post: bool
    iss_in_answer: bool
    end_session_endpoint: str | None = None


def metadata_url(issuer: str) -> str:
    """Return where the provider describes itself."""
    return issuer.rstrip("/") + WELL_KNOWN


def parse_metadata(data: bytes, issuer: str) -> Metadata:
    """Return the provider's description of itself. Raises `MalformedProviderAnswer`."""
    document = parse_object(data, "discovery document", MalformedProviderAnswer)
    if document.get("issuer") != issuer:
        raise MalformedProviderAnswer("discovery document: its issuer is not the one that is set, to the letter")
    _require_code_flow(document)
    methods = texts(document, "token_endpoint_auth_methods_supported", MalformedProviderAnswer) or _AUTH_METHODS[:1]
    return Metadata(
        issuer,
        _endpoint(document, "authorization_endpoint", issuer),
        _endpoint(document, "token_endpoint", issuer),
        _endpoint(document, "jwks_uri", issuer),
        _endpoint_if_any(document, "userinfo_endpoint", issuer),
        "client_secret_basic" not in methods and "client_secret_post" in methods,
        member(document, "authorization_response_iss_parameter_supported", bool, MalformedProviderAnswer) or False,
        _endpoint_if_any(document, "end_session_endpoint", issuer),
    )


def _endpoint_if_any(document: dict[str, Any], name: str, issuer: str) -> str | None:
    return None if document.get(name) is None else _endpoint(document, name, issuer)


def _endpoint(document: dict[str, Any], name: str, issuer: str) -> str:
    url = member(document, name, str, MalformedProviderAnswer)
    if url is None:
        raise MalformedProviderAnswer(f"discovery document: {name} is missing")
    check_endpoint(url, f"discovery document: {name}", MalformedProviderAnswer)
    # A provider out there must not send us to what listens on this machine only.
    if urlsplit(issuer).scheme == "https" and urlsplit(url).scheme != "https":
        raise MalformedProviderAnswer(f"discovery document: {name} must be https, as the issuer is")
    return url


def _require_code_flow(document: dict[str, Any]) -> None:
    """Refuse a provider that says it can't do what the login needs; what it leaves out, it may be able to do."""
    for name, needed in (
        ("response_types_supported", {"code"}),
        ("code_challenge_methods_supported", {"S256"}),
        ("id_token_signing_alg_values_supported", set(ALGORITHMS)),
    ):
        offered = texts(document, name, MalformedProviderAnswer)
        if offered is not None and not needed & set(offered):
            raise MalformedProviderAnswer(f"discovery document: {name} has none of {', '.join(sorted(needed))}")

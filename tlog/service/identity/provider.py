"""The identity provider as the log sees it: what it says of itself, its keys, its token and userinfo endpoints."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final
from urllib.parse import quote_plus

from tlog.errors import LoginRefused, MalformedProviderAnswer, ProviderFailed, TokenKeyUnknown
from tlog.service.identity.fetch import Fetch
from tlog.service.identity.key_set import KeySet, parse_key_set
from tlog.service.identity.metadata import Metadata, metadata_url, parse_metadata
from tlog.service.identity.provider_json import member, parse_object
from tlog.service.identity.refreshed import Refreshed
from tlog.service.identity.settings import OidcSettings
from tlog.service.identity.signed_token import SignedToken

_REFUSED: Final = frozenset({400, 401, 403})


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave for a code."""

    id_token: str = field(repr=False)
    access_token: str | None = field(repr=False)


class Provider:
    """One provider. Belongs to one event loop. Every method raises `ProviderFailed` where the provider is at fault."""

    def __init__(self, settings: OidcSettings, fetch: Fetch, clock: Callable[[], float] = monotonic) -> None:
        self._settings = settings
        self._fetch = fetch
        self._metadata = Refreshed(self._fetch_metadata, clock)
        self._keys = Refreshed(self._fetch_keys, clock)

    async def metadata(self) -> Metadata:
        """Return what the provider says of itself."""
        return await self._metadata.get()

    @property
    def end_session_endpoint(self) -> str | None:
        """Where people log out of it, as it said when it was last asked."""
        known = self._metadata.last
        return None if known is None else known.end_session_endpoint

    async def verified_claims(self, token: SignedToken) -> dict[str, Any]:
        """Return the claims of a token that one of the provider's keys signed.

        For a key that is not known the keys are fetched again, but not at once after the last time. Raises
        `TokenInvalid`, `MalformedToken`.
        """
        keys = await self._keys.get()
        try:
            return token.verified_claims(keys)
        except TokenKeyUnknown:
            renewed = await self._keys.renewed(keys)
            if renewed is keys:
                raise
            return token.verified_claims(renewed)

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """Exchange a code for tokens (OpenID Connect Core section 3.1.3, RFC 7636 section 4.5).

        Raises `LoginRefused` where the provider refuses the code.
        """
        metadata = await self.metadata()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form["code_verifier"] = verifier
        headers = self._authenticate(form, metadata)
        status, body = await self._fetch.post(metadata.token_endpoint, "token endpoint", form, headers)
        if status in _REFUSED:
            raise LoginRefused(f"the identity provider refused the code ({_error(body)}); begin the login again")
        if status != 200:
            raise ProviderFailed(f"the identity provider's token endpoint answered {status} instead of 200")
        try:
            return _tokens(body)
        except MalformedProviderAnswer as error:
            raise ProviderFailed(str(error)) from None

    async def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Return the claims of the userinfo endpoint, nothing where there is none (OpenID Connect Core section 5.3).

        Its `sub` must be that of the ID token, else the claims may be another person's.
        """
        url = (await self.metadata()).userinfo_endpoint
        if url is None:
            return {}
        body = await self._fetch.get(url, "userinfo endpoint", {"Authorization": f"Bearer {access_token}"})
        try:
            claims = parse_object(body, "userinfo", MalformedProviderAnswer)
        except MalformedProviderAnswer as error:
            raise ProviderFailed(str(error)) from None
        if claims.get("sub") != subject:
            raise ProviderFailed("the identity provider's userinfo is about somebody else than its ID token")
        return claims

    def _authenticate(self, form: dict[str, str], metadata: Metadata) -> dict[str, str]:
        """Add the client's credentials (RFC 6749 section 2.3.1) to the form, or return them as headers."""
        client, secret = str(self._settings.client_id), self._settings.client_secret
        if secret is not None and not metadata.secret_by_post:
            pair = f"{quote_plus(client)}:{quote_plus(secret)}"
            return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        form["client_id"] = client
        if secret is not None:
            form["client_secret"] = secret
        return {}

    async def _fetch_metadata(self) -> Metadata:
        body = await self._fetch.get(metadata_url(self._settings.issuer), "discovery document")
        return parse_metadata(body, self._settings.issuer)

    async def _fetch_keys(self) -> KeySet:
        return parse_key_set(await self._fetch.get((await self.metadata()).jwks_uri, "key set"))


def _tokens(body: bytes) -> Tokens:
    document = parse_object(body, "token endpoint", MalformedProviderAnswer)
    id_token, access_token, kind = (
        member(document, name, str, MalformedProviderAnswer) for name in ("id_token", "access_token", "token_type")
    )
    if id_token is None:
        raise MalformedProviderAnswer("token endpoint: no id_token; is 'openid' among the scopes of the client?")
    if access_token is not None and (kind or "").lower() != "bearer":
        raise MalformedProviderAnswer("token endpoint: token_type is not Bearer")
    return Tokens(id_token, access_token)


def _error(body: bytes) -> str:
    """The error code of RFC 6749 section 5.2, if it is one of those; anything else is not repeated."""
    known = ("invalid_grant", "invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type")
    try:
        said = parse_object(body, "token endpoint", MalformedProviderAnswer).get("error")
    except MalformedProviderAnswer:
        said = None
    return next((name for name in known if name == said), "no known reason")

"""Who brings a JWT as bearer token (RFC 6750 with RFC 9068): the rules of access tokens over one provider."""

from __future__ import annotations

from collections.abc import Callable
from time import time

from tlog.errors import MalformedToken, TokenInvalid, TokenRefused
from tlog.service.identity.access_token import ExpectedAccess, check_access_token, check_type
from tlog.service.identity.claims import identity_of
from tlog.service.identity.grants import principal_of
from tlog.service.identity.identity import Identity
from tlog.service.identity.provider import Provider
from tlog.service.identity.settings import OidcSettings
from tlog.service.identity.signed_token import parse_token
from tlog.service.principal import Principal


class Bearer:
    """Bearer tokens of one provider for one audience. `clock` returns Unix seconds. Belongs to one event loop."""

    def __init__(self, settings: OidcSettings, provider: Provider, clock: Callable[[], float] = time) -> None:
        self._settings = settings
        self._audience = str(settings.audience)
        self._provider = provider
        self._clock = clock

    async def identify(self, text: str, thumbprint: bytes | None = None) -> Identity:
        """Return whom the token is about.

        `thumbprint` is the SHA-256 of the connection's client certificate (DER), to which a token may be bound (RFC
        8705 section 3). Raises `TokenInvalid`, `MalformedToken`, `ProviderFailed`.
        """
        token = parse_token(text)
        check_type(token.typ, self._settings.access_profile)
        claims = await self._provider.verified_claims(token)
        settings, now = self._settings, int(self._clock())
        expected = ExpectedAccess(settings.issuer, self._audience, settings.access_profile, now, thumbprint)
        expires, client = check_access_token(claims, expected)
        return identity_of(claims, settings.name_claim, settings.roles_claim, expires, client)

    async def principal(self, text: str, thumbprint: bytes | None = None) -> Principal:
        """Return whom the token stands for in this log. Raises `TokenRefused`, `NoRole`, `ProviderFailed`."""
        try:
            identity = await self.identify(text, thumbprint)
        except (TokenInvalid, MalformedToken) as error:
            raise TokenRefused(str(error)) from None
        return principal_of(identity, self._settings.roles)

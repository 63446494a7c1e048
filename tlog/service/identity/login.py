"""A login from its beginning to an identity: the rules of the code flow over one provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time
from typing import Any, Final
from urllib.parse import urljoin

from tlog.errors import MalformedToken, ProviderFailed, TokenInvalid
from tlog.service.identity.authorization import PendingLogin, authorization_url, code_of, new_login
from tlog.service.identity.claims import at_path, identity_of
from tlog.service.identity.end_session import end_session_url
from tlog.service.identity.id_token import Expected, check_id_token
from tlog.service.identity.identity import Identity
from tlog.service.identity.provider import Provider, Tokens
from tlog.service.identity.settings import OidcSettings
from tlog.service.identity.signed_token import parse_token

LOGGED_OUT: Final = "/ui/"
"""Where the provider sends people whom it has logged out: a page that anybody may see."""


class Login:
    """Logins of people. `clock` returns Unix seconds, `random` so many random bytes. Belongs to one event loop."""

    def __init__(
        self,
        settings: OidcSettings,
        provider: Provider,
        redirect_uri: str,
        random: Callable[[int], bytes],
        clock: Callable[[], float] = time,
    ) -> None:
        """`redirect_uri` is the callback, as it is registered with the provider."""
        self._settings = settings
        self._client_id = str(settings.client_id)
        self._provider = provider
        self._redirect_uri = redirect_uri
        self._random = random
        self._clock = clock

    @property
    def over_tls(self) -> bool:
        """Whether browsers reach the log over TLS, with a proxy in between or not."""
        return self._redirect_uri.startswith("https:")

    async def begin(self, return_to: str) -> tuple[PendingLogin, str]:
        """Return a new login and where to send the browser. Raises `ProviderFailed`."""
        metadata = await self._provider.metadata()
        login = new_login(self._random, int(self._clock()), return_to)
        url = authorization_url(metadata, self._client_id, self._settings.scopes, self._redirect_uri, login)
        return login, url

    async def finish(self, login: PendingLogin, answer: Mapping[str, str]) -> Identity:
        """Return who logged in. `answer` is the query of the callback, `login` the one that this browser began.

        Raises `LoginRefused`, `ProviderFailed`; what the provider signed wrongly is its fault, not the person's.
        """
        now = int(self._clock())
        code = code_of(answer, login, await self._provider.metadata(), now)
        tokens = await self._provider.exchange(code, login.verifier, self._redirect_uri)
        try:
            return await self._identity(tokens, login.nonce, now)
        except (TokenInvalid, MalformedToken) as error:
            raise ProviderFailed(f"the identity provider sent an ID token that does not hold: {error}") from None

    def end_session_url(self) -> str | None:
        """Return where to send a browser to log out of the provider too; None where that offers no such place.

        The provider is not asked for it: whoever is logged in has made the log ask since it was started.
        """
        endpoint = self._provider.end_session_endpoint
        if endpoint is None:
            return None
        return end_session_url(endpoint, self._client_id, urljoin(self._redirect_uri, LOGGED_OUT))

    async def _identity(self, tokens: Tokens, nonce: str, now: int) -> Identity:
        token = parse_token(tokens.id_token)
        claims = await self._provider.verified_claims(token)
        settings = self._settings
        expected = Expected(
            settings.issuer, self._client_id, settings.trusted_audiences, nonce, tokens.access_token, now
        )
        expires = check_id_token(claims, token.alg, expected)
        claims = await self._with_userinfo(claims, tokens.access_token)
        return identity_of(claims, settings.name_claim, settings.roles_claim, expires, None)

    async def _with_userinfo(self, claims: dict[str, Any], access_token: str | None) -> dict[str, Any]:
        """Many providers put groups and names into userinfo only; what the signed ID token says has precedence."""
        wanted = (self._settings.name_claim, self._settings.roles_claim)
        if access_token is None or all(at_path(claims, path) is not None for path in wanted):
            return claims
        return {**await self._provider.userinfo(access_token, claims["sub"]), **claims}

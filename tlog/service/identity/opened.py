"""The identity provider, opened for the time that the log runs: what logs people in and what knows services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tlog.service.identity.bearer import Bearer
from tlog.service.identity.fetch import Fetch, provider_session
from tlog.service.identity.login import Login
from tlog.service.identity.provider import Provider
from tlog.service.identity.settings import OidcSettings
from tlog.service.principal import Principal


@dataclass(frozen=True, slots=True)
class OpenedIdentity:
    """`login` is None where nobody logs in, `bearer` where no service brings a JWT."""

    settings: OidcSettings
    login: Login | None
    bearer: Bearer | None

    @property
    def jwt(self) -> Callable[[str, bytes | None], Awaitable[Principal]] | None:
        """What finds the principal of a token, and of the client certificate that it may be bound to."""
        return None if self.bearer is None else self.bearer.principal


@asynccontextmanager
async def open_identity(
    settings: OidcSettings, redirect_uri: str | None, random: Callable[[int], bytes]
) -> AsyncIterator[OpenedIdentity]:
    """Open the session to the provider; it is first asked when somebody comes, so the log starts without it.

    `redirect_uri` is the callback of the login. Raises `ConfigurationInvalid`.
    """
    async with provider_session(settings.ca) as session:
        provider = Provider(settings, Fetch(session))
        login = None
        if settings.client_id is not None and redirect_uri is not None:
            login = Login(settings, provider, redirect_uri, random)
        yield OpenedIdentity(settings, login, None if settings.audience is None else Bearer(settings, provider))

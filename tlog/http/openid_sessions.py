"""What follows a login with OpenID Connect: an entry that says who logged in, then a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from tlog.http.openid import RETURN_TO
from tlog.http.sessions import Sessions
from tlog.service.access_log import Access, AccessLog
from tlog.service.identity.grants import RoleRule, principal_of
from tlog.service.identity.identity import Identity

ACTION: Final = "tlog.session.open"


class OpenIdSessions:
    """Opens sessions for identities. Belongs to one event loop."""

    def __init__(self, sessions: Sessions, accesses: AccessLog, roles: Mapping[str, RoleRule]) -> None:
        """`roles` are the rules by value of the roles claim."""
        self._sessions = sessions
        self._accesses = accesses
        self._roles = roles

    async def open(self, request: web.Request, identity: Identity) -> web.Response:
        """Return the way to where the login began. Raises `NoRole`, and `NotLogged` before any session is open."""
        principal = principal_of(identity, self._roles)
        response = web.Response(status=303, headers={"Location": request[RETURN_TO]})
        await self._accesses.record(Access(principal, ACTION, "allowed", {"operation": "endOpenIdLogin"}))
        self._sessions.open(request, response, principal)
        return response

"""Login of people with OpenID Connect: where it begins and where the provider sends the browser back.

    GET /ui/login/openid?return_to=/ui/…    302 to the provider; sets the cookie of the login
    GET /ui/login/openid/callback?…         the answer of `finish` to whoever logged in

The cookie is `SameSite=Lax`: `Strict` would keep it from the callback, which another site leads to. A browser has one
login under way; a second one that it begins replaces the first.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from tlog.errors import Forbidden, LoginRefused, NotFound
from tlog.http.cookies import HostCookie
from tlog.http.errors import BadParameter
from tlog.http.query import parse_query
from tlog.service.identity.authorization import LOGIN_SECONDS
from tlog.service.identity.identity import Identity
from tlog.service.identity.login import Login
from tlog.service.identity.sealed_login import SealedLogins

START: Final = "/ui/login/openid"
CALLBACK: Final = "/ui/login/openid/callback"
DEFAULT_RETURN_TO: Final = "/ui/"
MAX_RETURN_TO: Final = 1024
RETURN_TO: Final = web.RequestKey("return_to", str)
_LOCAL: Final = re.compile(r"/ui(/[\w.~%:@!$&'()*+,;=-]*)*(\?[\w.~%:@!$&'()*+,;=/?-]*)?", re.ASCII)

Finish = Callable[[web.Request, Identity], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class OpenId:
    """What the two routes need. `finish` makes the answer to a login; `request[RETURN_TO]` is where to lead then.

    `refused` logs a login that did not end well, by the name of the operation.
    """

    login: Login
    logins: SealedLogins
    finish: Finish
    refused: Callable[[str], Awaitable[None]]


class OpenIdRoutes:
    """The handlers; without a provider they answer 404."""

    def __init__(self, openid: OpenId | None) -> None:
        self._openid = openid
        self._cookie = HostCookie("tlog-login", openid is not None and openid.login.over_tls, "Lax")

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /ui/login/openid`."""
        return_to = _return_to(parse_query(request, "return_to").get("return_to", DEFAULT_RETURN_TO))
        openid = self._required()
        pending, url = await openid.login.begin(return_to)
        response = web.Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})
        self._cookie.write(response, openid.logins.seal(pending), LOGIN_SECONDS)
        return response

    async def callback(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /ui/login/openid/callback`. What it does not know it ignores (RFC 6749 section 4.1.2)."""
        openid = self._required()
        if len(set(request.query)) != len(request.query):
            raise BadParameter("a query parameter is given twice")
        try:
            response = await self._finish(openid, request)
        except (LoginRefused, Forbidden):
            await openid.refused("endOpenIdLogin")
            raise
        response.headers["Cache-Control"] = "no-store"
        self._cookie.delete(response)
        return response

    async def _finish(self, openid: OpenId, request: web.Request) -> web.StreamResponse:
        pending = openid.logins.take(self._cookie.read(request))
        identity = await openid.login.finish(pending, request.query)
        request[RETURN_TO] = pending.return_to
        return await openid.finish(request, identity)

    def _required(self) -> OpenId:
        if self._openid is None:
            raise NotFound("nobody logs in here: no OpenID Connect provider is set in [oidc]")
        return self._openid


def _return_to(path: str) -> str:
    """Return a path of the pages. Raises `BadParameter` for any other: it would lead people who log in elsewhere."""
    if len(path) > MAX_RETURN_TO or not _LOCAL.fullmatch(path) or "//" in path or ".." in path:
        raise BadParameter(f"return_to: not a path below /ui of at most {MAX_RETURN_TO} characters")
    return path

"""`/ui/tokens`: who may show what to be let in, and as what; issue and revoke.

POST /ui/tokens                a new credential; its text is on the answer, this once
POST /ui/tokens/{id}/revoke    useless from now on
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from tlog.http.answers import IssuedAnswer, TokenAnswer, TokenList
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN
from tlog.service.principal import RIGHTS
from tlog.storage.roles import Role
from web.forms import body_of
from web.frame import Frame
from web.interface import Interface
from web.retry import RETRY, Retry
from web.see import see

MAX_SHOWN: Final = 500
_TEMPLATE: Final = "tokens.html"


class TokensPage:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/tokens`."""
        return self._frame.page(request, _TEMPLATE, **await self._context(request))

    async def issue(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/tokens`."""
        parse_query(request)
        request[RETRY] = Retry(_TEMPLATE, await self._context(request))
        asked = body_of((await request.post()).items(), numbers=["days"], lists=["roles"], ignored=[FORM_TOKEN])
        issued = await self._interface.ask(request, "issueToken", IssuedAnswer, _with_lists(asked))
        link = "" if asked.get("credential") != "link" else str(request.url.origin().with_path("/ui/login/link"))
        return self._frame.page(request, _TEMPLATE, **await self._context(request, issued, link))

    async def revoke(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/tokens/{id}/revoke`, then show them."""
        await self._interface.ask(request, "revokeToken", TokenAnswer)
        return see("/ui/tokens")

    async def _context(
        self, request: web.Request, issued: IssuedAnswer | None = None, link: str = ""
    ) -> dict[str, Any]:
        tokens = (await self._interface.ask(request, "tokens", TokenList)).tokens[::-1]
        return {
            "tokens": tokens[:MAX_SHOWN],
            "more": max(len(tokens) - MAX_SHOWN, 0),
            "rights": {str(role): sorted(map(str, rights)) for role, rights in RIGHTS.items()},
            "roles": [str(role) for role in Role],
            "issued": issued,
            "link": link,
        }


def _with_lists(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the body with its comma-separated names as lists."""
    lists = {name: asked[name].replace(",", " ").split() for name in ("sources", "classes") if name in asked}
    return asked | lists

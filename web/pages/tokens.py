"""`/ui/tokens`: who may show what to be let in, and as what; issue and revoke.

GET  /ui/tokens                the credentials, and the form for a new one
POST /ui/tokens                a new credential; its text is on the answer, this once
GET  /ui/tokens/{id}/revoke    which one it is, and the button that revokes it
POST /ui/tokens/{id}/revoke    useless from now on
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web

from tlog.audit.fields import instant
from tlog.errors import NotFound
from tlog.http.answers.acts import ActPage
from tlog.http.answers.tokens import IssuedAnswer, TokenAnswer, TokenList
from tlog.http.form_body import read_form
from tlog.http.noted import principal_of
from tlog.http.own_origin import OwnOrigin
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN
from tlog.service.principal import RIGHTS, Principal
from tlog.storage.roles import Role
from web.act_view import ActView, act_view
from web.forms import body_of
from web.frame import Frame
from web.interface import Interface
from web.retry import shown_again, typed
from web.see import see

MAX_SHOWN: Final = 500
_TEMPLATE: Final = "tokens.html"


class TokensPage:
    """The handlers. `now` returns microseconds since the epoch; `origin` says where browsers open a login link."""

    def __init__(self, interface: Interface, frame: Frame, origin: OwnOrigin, now: Callable[[], int]) -> None:
        self._interface = interface
        self._frame = frame
        self._origin = origin
        self._now = now

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/tokens`."""
        return self._frame.page(request, _TEMPLATE, **await self._context(request))

    async def issue(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/tokens`."""
        parse_query(request)
        form = await read_form(request)
        async with shown_again(request, _TEMPLATE, lambda: self._context(request, form=typed(form))):
            asked = body_of(form.items(), numbers=["days"], lists=["roles"], ignored=[FORM_TOKEN])
            issued = await self._interface.ask(request, "issueToken", IssuedAnswer, _with_lists(asked))
        link = "" if asked.get("credential") != "link" else str(self._origin.url(request).with_path("/ui/login/link"))
        box = {"issued": issued, "link": link, "asked": asked}
        return self._frame.page(request, _TEMPLATE, **await self._context(request) | box)

    async def ask_revoke(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/tokens/{id}/revoke`: the button, or that it was revoked. Raises `NotFound`."""
        parse_query(request)
        token_id = request.match_info["id"]
        found = [token for token in await self._tokens(request) if token.id == token_id]
        if not found:
            raise NotFound("no credential has this id")
        return self._frame.page(request, "token_revoke.html", token=found[0])

    async def revoke(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/tokens/{id}/revoke`, then say that it was revoked."""
        await self._interface.ask(request, "revokeToken", TokenAnswer)
        return see(f"/ui/tokens/{request.match_info['id']}/revoke")

    async def _tokens(self, request: web.Request) -> list[TokenAnswer]:
        return (await self._interface.ask(request, "tokens", TokenList)).tokens

    async def _context(self, request: web.Request, form: Mapping[str, str] | None = None) -> dict[str, Any]:
        tokens, own = (await self._tokens(request))[::-1], principal_of(request)
        by_link = any(token.id == own.id and token.credential == "link" for token in tokens)
        return {
            "tokens": tokens[:MAX_SHOWN],
            "more": max(len(tokens) - MAX_SHOWN, 0),
            "waiting": await self._waiting(request),
            "by_link": by_link,
            "now": instant(self._now()),
            "rights": {str(role): sorted(map(str, rights)) for role, rights in RIGHTS.items()},
            "roles": [str(role) for role in Role],
            "form": form or (_like(own) if by_link else {}),
            "issued": None,
        }

    async def _waiting(self, request: web.Request) -> list[ActView]:
        """Return the grants among the newest acts that wait for a second admin; they are no credentials yet."""
        acts = (await self._interface.ask(request, "acts", ActPage)).acts
        grants = [act for act in acts if act.kind == "grant" and act.state == "pending"]
        return [act_view(act, principal_of(request)) for act in grants]


def _like(own: Principal) -> dict[str, str]:
    """Return what the form says of a token for who came with a link, so that they can come again."""
    return {"name": own.name, "roles": " ".join(sorted(own.roles))}


def _with_lists(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the body with its comma-separated names as lists."""
    lists = {name: asked[name].replace(",", " ").split() for name in ("sources", "classes") if name in asked}
    return asked | lists

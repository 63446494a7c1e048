"""`/ui/acts`: what was asked of the log that destroys, protects or lets in, and the second person's word on it.

GET  /ui/acts?kind=&state=&before=     as GET /v1/acts
GET  /ui/acts/{id}                     one act: what it does, on whose word, what became of it
GET  /ui/acts/{id}/approve, decline    the same, and the button that does it
POST /ui/acts/{id}/approve, decline    do it, then show the act
"""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web

from tlog.client.act_words import STATES as MEANINGS
from tlog.http.acts import KINDS, STATES
from tlog.http.answers.acts import ActAnswer, ActPage
from tlog.http.answers.holds import HoldAnswer, HoldList
from tlog.http.noted import principal_of
from web.act_view import act_view
from web.frame import Frame
from web.interface import Interface
from web.see import see

Asking = Literal["", "approve", "decline"]


class ActsPage:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/acts`."""
        page = await self._interface.ask(request, "acts", ActPage)
        shown: dict[str, Any] = {
            "acts": [act_view(act, principal_of(request)) for act in page.acts],
            "next": page.next,
            "chosen": {name: request.query.get(name, "") for name in ("kind", "state")},
        }
        return self._frame.page(request, "acts.html", kinds=KINDS, states=STATES, meanings=MEANINGS, **shown)

    async def one(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/acts/{id}`."""
        return await self._one(request, "")

    async def ask_approve(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/acts/{id}/approve`."""
        return await self._one(request, "approve")

    async def ask_decline(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/acts/{id}/decline`."""
        return await self._one(request, "decline")

    async def approve(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/acts/{id}/approve`, then show the act."""
        done = await self._interface.ask(request, "approveAct", ActAnswer)
        return see(f"/ui/acts/{done.act}")

    async def decline(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/acts/{id}/decline`, then show the act."""
        done = await self._interface.ask(request, "declineAct", ActAnswer)
        return see(f"/ui/acts/{done.act}")

    async def _one(self, request: web.Request, asking: Asking) -> web.Response:
        act = await self._interface.ask(request, "act", ActAnswer)
        view, hold = act_view(act, principal_of(request)), await self._lifted(request, act)
        return self._frame.page(request, "act.html", view=view, hold=hold, asking=asking)

    async def _lifted(self, request: web.Request, act: ActAnswer) -> HoldAnswer | None:
        """Return the hold that an act would lift, None for other acts, and for who may not see holds."""
        number = None if act.said is None else act.said.get("hold")
        if act.kind != "lift" or number is None or not self._interface.may(request, "holds"):
            return None
        held = await self._interface.ask(request, "holds", HoldList)
        return next((hold for hold in held.holds if hold.hold == number), None)

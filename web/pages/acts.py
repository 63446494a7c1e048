"""`/ui/acts`: what was asked of the log that destroys or protects, and the second person's word on it.

?kind=&state=&before=     as GET /v1/acts
"""

from __future__ import annotations

from aiohttp import web

from tlog.http.acts import KINDS, STATES
from tlog.http.answers import ActAnswer, ActPage
from web.frame import Frame
from web.interface import Interface
from web.see import see


class ActsPage:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/acts`."""
        page = await self._interface.ask(request, "acts", ActPage)
        chosen = {name: request.query.get(name, "") for name in ("kind", "state")}
        return self._frame.page(request, "acts.html", page=page, kinds=KINDS, states=STATES, chosen=chosen)

    async def approve(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/acts/{id}/approve`, then show the acts."""
        await self._interface.ask(request, "approveAct", ActAnswer)
        return see("/ui/acts")

    async def decline(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/acts/{id}/decline`, then show the acts."""
        await self._interface.ask(request, "declineAct", ActAnswer)
        return see("/ui/acts")

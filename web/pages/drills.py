"""`/ui/drills`: past drills, in which entries chosen at random were read, proved and verified."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from web.frame import Frame
from web.interface import Interface


class DrillsPage:
    """The handler."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/drills`; ?cursor= as GET /v1/drills."""
        page = await self._interface.ask(request, "drills", dict[str, Any])
        return self._frame.page(request, "drills.html", page=page)

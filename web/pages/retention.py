"""`/ui/retention`: what expires when, and expiring what is due. `/ui/holds`: what must not go, and why."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from tlog.http.answers import HoldList, LiftAnswer, RetentionPlan, RetentionRun
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN
from web.forms import body_of
from web.frame import Frame
from web.interface import Interface
from web.see import see

_FLAGS: Final = ("by_case",)
_NUMBERS: Final = ("hold",)


class RetentionPages:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def plan(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/retention`."""
        plan = await self._interface.ask(request, "retentionPlan", RetentionPlan)
        return self._frame.page(request, "retention.html", plan=plan)

    async def run(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/retention/run`, then show the acts."""
        await self._interface.ask(request, "retentionRun", RetentionRun, await _body(request))
        return see("/ui/acts?kind=expiry")

    async def holds(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/holds`."""
        everything = parse_query(request, "all").get("all") == "1"
        holds = await self._interface.ask(request, "holds", HoldList)
        return self._frame.page(request, "holds.html", holds=holds.holds, everything=everything)

    async def place(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/holds`, then show the holds."""
        await self._interface.answer(request, "placeHold", await _body(request))
        return see("/ui/holds")

    async def lift(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/holds/lift`, then show the holds, or the acts where these wait for a second person."""
        lifted = await self._interface.ask(request, "liftHolds", LiftAnswer, await _body(request))
        return see("/ui/acts?kind=lift" if any(act.state == "pending" for act in lifted.acts) else "/ui/holds?all=1")


async def _body(request: web.Request) -> dict[str, Any]:
    parse_query(request)
    return body_of((await request.post()).items(), flags=_FLAGS, numbers=_NUMBERS, ignored=[FORM_TOKEN, "sure"])

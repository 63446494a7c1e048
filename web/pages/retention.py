"""`/ui/retention`: what expires when, and expiring what is due."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from tlog.http.answers.retention import RetentionPlan, RetentionRun
from tlog.http.form_body import read_form
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN
from web.forms import body_of
from web.frame import Frame
from web.interface import Interface
from web.retry import RETRY, Retry, typed
from web.see import see

_TEMPLATE: Final = "retention.html"


class RetentionPages:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def plan(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/retention`."""
        plan = await self._interface.ask(request, "retentionPlan", RetentionPlan)
        return self._frame.page(request, _TEMPLATE, plan=plan, form={}, nothing_due=False)

    async def run(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/retention/run`, then show the acts; where nothing was due, say so."""
        parse_query(request)
        form = await read_form(request)
        request[RETRY] = Retry(_TEMPLATE, {"plan": None, "form": typed(form), "nothing_due": False})
        body = body_of(form.items(), ignored=[FORM_TOKEN, "sure"])
        ran = await self._interface.ask(request, "retentionRun", RetentionRun, body)
        if ran.acts:
            return see("/ui/acts?kind=expiry")
        plan = await self._interface.ask(request, "retentionPlan", RetentionPlan)
        return self._frame.page(request, _TEMPLATE, plan=plan, form={}, nothing_due=True)

"""`/ui/people`: give a person their entries, or forget them. Their id is in no address.

POST /ui/people           what would be erased (dry run), and the form that confirms it
POST /ui/people/erase     erase; where a second person is needed, it then waits under Acts
POST /ui/people/access    the person's own entries, as a file
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from tlog.http.answers import ErasureAnswer
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN
from web.forms import body_of
from web.frame import Frame
from web.interface import Interface
from web.retry import RETRY, Retry

_TEMPLATE: Final = "people.html"
_FLAGS: Final = ("even_damaged", "include_details", "evidence")


class PeoplePage:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/people`."""
        parse_query(request)
        return self._frame.page(request, _TEMPLATE, **self._context(request, {}))

    async def plan(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/people`."""
        body = await self._body(request)
        done = await self._interface.ask(request, "erase", ErasureAnswer, body | {"dry_run": True})
        return self._frame.page(request, _TEMPLATE, **self._context(request, body, plan=done))

    async def erase(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/people/erase`. It goes on though the browser goes away."""
        body = await self._body(request)
        done = await self._interface.ask(request, "erase", ErasureAnswer, body)
        return self._frame.page(request, _TEMPLATE, **self._context(request, {}, done=done))

    async def access(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/people/access`: the file."""
        return await self._interface.answer(request, "subjectAccess", await self._body(request))

    async def _body(self, request: web.Request) -> dict[str, Any]:
        parse_query(request)
        body = body_of((await request.post()).items(), flags=_FLAGS, ignored=[FORM_TOKEN, "sure"])
        request[RETRY] = Retry(_TEMPLATE, self._context(request, body))
        return body

    def _context(
        self,
        request: web.Request,
        form: dict[str, Any],
        plan: ErasureAnswer | None = None,
        done: ErasureAnswer | None = None,
    ) -> dict[str, Any]:
        exports = self._interface.may(request, "subjectAccess")
        return {"form": form, "plan": plan, "done": done, "exports": exports}

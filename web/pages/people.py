"""`/ui/people`: give a person their entries, or forget them. Their id is in no address.

POST /ui/people           what would be erased (dry run), and the form that confirms it
POST /ui/people/erase     erase; where a second person is needed, it then waits under Acts
POST /ui/people/access    the person's own entries, as a file
"""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from tlog.http.answers.acts import ErasureAnswer
from tlog.http.form_body import read_form
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN
from tlog.http.subject_access import KNOWN
from web.forms import body_of
from web.frame import Frame
from web.interface import Interface
from web.retry import RETRY, Retry, typed

_TEMPLATE: Final = "people.html"
_UNKNOWN: Final = "even_unknown"
_FLAGS: Final = ("even_damaged", "include_details", "evidence")


class PeoplePage:
    """The handlers. `second_person`: another officer must agree to an erasure."""

    def __init__(self, interface: Interface, frame: Frame, *, second_person: bool) -> None:
        self._interface = interface
        self._frame = frame
        self._second_person = second_person

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/people`."""
        parse_query(request)
        return self._frame.page(request, _TEMPLATE, **self._context(request, {}))

    async def plan(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/people`."""
        form, body = await self._asked(request)
        done = await self._interface.ask(request, "erase", ErasureAnswer, body | {"dry_run": True})
        return self._frame.page(request, _TEMPLATE, **self._context(request, form, plan=done))

    async def erase(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/people/erase`. It goes on though the browser goes away."""
        _, body = await self._asked(request, again=True)
        done = await self._interface.ask(request, "erase", ErasureAnswer, body)
        return self._frame.page(request, _TEMPLATE, **self._context(request, {}, done=done))

    async def access(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/people/access`: the file; of somebody who is not known here only where that is confirmed."""
        form, body = await self._asked(request)
        answer = await self._interface.answer(request, "subjectAccess", body)
        if answer.headers[KNOWN] == "yes" or _UNKNOWN in form:
            return answer
        return self._frame.page(request, _TEMPLATE, **self._context(request, form) | {"unknown": True})

    async def _asked(self, request: web.Request, *, again: bool = False) -> tuple[dict[str, str], dict[str, Any]]:
        """Return what was typed, and the body made of it. `again`: a refusal shows the form that confirms."""
        parse_query(request)
        form = await read_form(request)
        kept = typed(form)
        request[RETRY] = Retry(_TEMPLATE, self._context(request, kept, again=again))
        return kept, body_of(form.items(), flags=_FLAGS, groups=["actor"], ignored=[FORM_TOKEN, "sure", _UNKNOWN])

    def _context(
        self,
        request: web.Request,
        form: dict[str, str],
        plan: ErasureAnswer | None = None,
        done: ErasureAnswer | None = None,
        *,
        again: bool = False,
    ) -> dict[str, Any]:
        exports = self._interface.may(request, "subjectAccess")
        shown = {"form": form, "plan": plan, "done": done, "again": again, "unknown": False, "exports": exports}
        return shown | {"second_person": self._second_person}

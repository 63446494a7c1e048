"""`/ui/search`: find entries by anything. Filters come in a POST, so that ids of people are in no address."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from tlog.http.answers.entries import EntryPage
from tlog.http.form_body import read_form
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN, SESSION
from web.forms import body_of
from web.found import form_values, shown_entries
from web.frame import Frame
from web.interface import Interface
from web.retry import RETRY, Retry

PAGE_ENTRIES: Final = 50
_TEMPLATE: Final = "search.html"


class SearchPage:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/search`."""
        parse_query(request)
        return self._frame.page(request, _TEMPLATE, form={}, found=None, entries=())

    async def run(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/search`."""
        parse_query(request)
        body = body_of((await read_form(request)).items(), numbers=["limit"], ignored=[FORM_TOKEN])
        form = form_values(body)
        request[RETRY] = Retry(_TEMPLATE, {"form": form, "found": None, "entries": ()})
        found = await self._interface.ask(request, "searchEntries", EntryPage, {"limit": PAGE_ENTRIES} | body)
        request[SESSION].search = form
        return self._frame.page(request, _TEMPLATE, form=form, found=found, entries=shown_entries(found))

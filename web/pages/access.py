"""`/ui/access`: who looked at what. Every read, refusal and act is an entry of the source `tlog`; these are they."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from tlog.http.answers import EntryPage
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN
from tlog.storage.roles import OWN_SOURCE
from web.forms import body_of
from web.found import form_values, shown_entries
from web.frame import Frame
from web.interface import Interface
from web.retry import RETRY, Retry

PAGE_ENTRIES: Final = 50
_TEMPLATE: Final = "access.html"


class AccessPage:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/access`: the newest."""
        parse_query(request)
        return await self._page(request, {})

    async def run(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/access`."""
        parse_query(request)
        return await self._page(
            request, body_of((await request.post()).items(), numbers=["limit"], ignored=[FORM_TOKEN])
        )

    async def _page(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        form = form_values(body)
        request[RETRY] = Retry(_TEMPLATE, {"form": form, "found": None, "entries": ()})
        found = await self._interface.ask(request, "searchEntries", EntryPage, asked(body))
        return self._frame.page(request, _TEMPLATE, form=form, found=found, entries=shown_entries(found))


def asked(form: dict[str, Any]) -> dict[str, Any]:
    """Return the look-up for a form; its `entry` is the index of an entry that was looked at."""
    body = {"source": OWN_SOURCE, "limit": PAGE_ENTRIES} | {name: form[name] for name in form if name != "entry"}
    if "entry" in form:
        body |= {"target_type": "entry", "target_id": form["entry"]}
    return body

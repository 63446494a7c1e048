"""`/ui/access`: who looked at an entry, at a person, or at anything. Each access is an entry of the source `tlog`."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from tlog.http.answers.access import AccessPage as Accesses
from tlog.http.answers.entries import EntryPage
from tlog.http.form_body import read_form
from tlog.http.query import parse_query
from tlog.http.sessions import FORM_TOKEN
from tlog.storage.roles import OWN_SOURCE
from web.access_rows import rows_of_accesses, rows_of_entries
from web.access_words import ACTIONS
from web.forms import body_of
from web.found import form_values, shown_entries
from web.frame import Frame
from web.interface import Interface
from web.retry import RETRY, Retry

PAGE_ENTRIES: Final = 50
_TEMPLATE: Final = "access.html"
_LABELS: Final = {"actor_type": "Kind of who looked", "actor_id": "Name of who looked", "action": "What they did"}
_NUMBERS: Final = ("index", "limit", "before")


class AccessPage:
    """The handlers."""

    def __init__(self, interface: Interface, frame: Frame) -> None:
        self._interface = interface
        self._frame = frame

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /ui/access`: the newest accesses."""
        parse_query(request)
        return await self._newest(request, {})

    async def run(self, request: web.Request) -> web.Response:
        """Answer `POST /ui/access`: of an entry or a person, else of all that the filters let through."""
        parse_query(request)
        body = body_of((await read_form(request)).items(), numbers=_NUMBERS, ignored=[FORM_TOKEN])
        return await (self._about if {"index", "subject"} & set(body) else self._newest)(request, body)

    async def _about(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        request[RETRY] = Retry(_TEMPLATE, _context(body))
        found = await self._interface.ask(request, "searchAccesses", Accesses, {"limit": PAGE_ENTRIES} | body)
        more = {} if found.next is None else {"before": str(found.next)}
        return self._frame.page(request, _TEMPLATE, **_context(body, rows_of_accesses(found.accesses), more))

    async def _newest(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        request[RETRY] = Retry(_TEMPLATE, _context(body))
        asked = {"source": OWN_SOURCE, "limit": PAGE_ENTRIES} | body
        found = await self._interface.ask(request, "searchEntries", EntryPage, asked)
        more = {} if found.next is None else {"cursor": found.next}
        return self._frame.page(request, _TEMPLATE, **_context(body, rows_of_entries(shown_entries(found)), more))


def _context(body: dict[str, Any], rows: Any = None, more: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "form": form_values(body),
        "rows": rows,
        "more": more or {},
        "searched": bool(body) and rows is not None,
        "actions": ACTIONS,
        "labels": _LABELS,
    }

"""Look entries up.

    GET  /v1/entries?…               filters as query parameters (`search_parameters.py`)
    POST /v1/entries/search          the same as a JSON object, so that ids of people stay out of URLs
    GET  /v1/entries/by-id/{id}      the entry with this id

Newest logged first. `next` is the `cursor` of the following page, null at the end; a page may be short, or empty, and
still have a `next`. The log's own entries (who read what, which acts) are found where the source `tlog`, an action
`tlog.…`, an actor of the type `token`, `tlog-user` or `tlog-operator`, or a target of the type `entry` or `person` is
asked for, by auditors and data protection officers. Whoever is limited to sources or retention classes finds entries
of these only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from aiohttp import web

from tlog.audit import fields
from tlog.audit.entry import JSON
from tlog.errors import Forbidden, TlogError
from tlog.http.answers.answer import json_answer
from tlog.http.answers.entries import EntryAnswer, EntryPage, EntryProblem
from tlog.http.auth import require_readable
from tlog.http.entry_answer import entry_answers
from tlog.http.errors import UnsupportedMedia
from tlog.http.given_body import sends_json
from tlog.http.limits import BodyBudget
from tlog.http.looked_up import note_looked_up
from tlog.http.noted import note_read, principal_of
from tlog.http.problem import kind_of
from tlog.http.query import parse_query
from tlog.http.search_parameters import MAX_BODY_BYTES, NAMES, Search, members, parse_search, parse_text
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.service.lookup import Found
from tlog.service.own_look_up import asks_own
from tlog.service.principal import Principal
from tlog.storage.log_store import StoredEntry
from tlog.storage.roles import EVERYTHING, RowScope

RUNNING: Final = 3
WAITING: Final = 32
SHARE: Final = 8


class SearchRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget) -> None:
        self._log = log
        self._bodies = bodies
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "look-ups")

    async def by_query(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/entries`."""
        query = parse_query(request, *NAMES)
        principal = principal_of(request)
        return await self._answer(request, parse_search(query), principal)

    async def by_body(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/entries/search`."""
        parse_query(request)
        principal = principal_of(request)
        if not sends_json(request):
            raise UnsupportedMedia(f"send the filters as {JSON}, one object")
        with self._bodies.lease(principal.name) as lease:
            search = parse_search(members(await lease.read(request, MAX_BODY_BYTES)))
        return await self._answer(request, search, principal)

    async def by_id(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/entries/by-id/{id}`."""
        parse_query(request)
        entry_id = UUID(parse_text(request.match_info["id"], "id", fields.EntryId))
        principal = principal_of(request)
        answer = await self._few.run(principal.id, lambda: self._entry(entry_id.bytes, principal))
        note_read(request, [answer.index])
        return json_answer(answer)

    async def _answer(self, request: web.Request, search: Search, principal: Principal) -> web.Response:
        require_within(search, principal)
        note_read(request, details={"filters": search.filters.names()})
        await note_looked_up(request, self._log.lookup, search.filters.subject)
        page = await self._few.run(principal.id, lambda: self._page(search, principal))
        note_read(request, [entry.index for entry in page.entries])
        return json_answer(page)

    def _page(self, search: Search, principal: Principal) -> EntryPage:
        scope = scope_for(search, principal)
        page = self._log.lookup.page(search.filters, search.cursor, search.limit, scope)
        entries = page_items(self._log, page.entries)
        # Candidates may be entries that they may not see.
        scanned = page.scanned if principal.scope == EVERYTHING else len(entries)
        return EntryPage(entries=entries, next=page.next, scanned=scanned)

    def _entry(self, entry_id: bytes, principal: Principal) -> EntryAnswer:
        stored = self._log.entries.stored(self._log.store.index_of(entry_id))
        require_readable(principal, stored)
        return entry_answers(self._log, [(stored, self._log.entries.opened(stored))])[0]


def page_items(log: Log, entries: Sequence[Found]) -> list[EntryAnswer | EntryProblem]:
    """Return the entries of a page as an answer lists them, in order. Blocks."""
    readable = [(e.stored, e.opened) for e in entries if not isinstance(e.opened, TlogError)]
    answers = iter(entry_answers(log, readable))
    return [_problem(e.stored, e.opened) if isinstance(e.opened, TlogError) else next(answers) for e in entries]


def require_within(search: Search, principal: Principal) -> None:
    """Raise `Forbidden` for a source or class that the principal may not read: no answer would say why it is empty."""
    sources, classes = principal.scope.sources, principal.scope.classes
    asked = search.filters
    if sources is not None and asked.source is not None and asked.source not in sources:
        raise Forbidden(f"source: you read entries of {principal.scope} only")
    if classes is not None and asked.retention is not None and asked.retention not in classes:
        raise Forbidden(f"retention: you read entries of {principal.scope} only")


def scope_for(search: Search, principal: Principal) -> RowScope:
    """Return the rows that a search is over: the log's own entries only where they, or their like, are asked for.

    Else every search would find the searches before it.
    """
    return replace(principal.scope, own=principal.scope.own and asks_own(search.filters))


def _problem(stored: StoredEntry, error: TlogError) -> EntryProblem:
    return EntryProblem(index=stored.index, problem=kind_of(error).slug, detail=str(error))

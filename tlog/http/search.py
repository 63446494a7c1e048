"""Look entries up.

    GET  /v1/entries?…               filters as query parameters (`search_parameters.py`)
    POST /v1/entries/search          the same as a JSON object, so that ids of people stay out of URLs
    GET  /v1/entries/by-id/{id}      the entry with this id

Newest logged first. `next` is the `cursor` of the following page, null at the end; a page may be short, or empty, and
still have a `next`. A source's token finds entries of its source only.
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
from tlog.http.answers import EntryAnswer, EntryPage, EntryProblem, json_answer
from tlog.http.auth import Authenticator, require_readable
from tlog.http.entry_answer import entry_answers
from tlog.http.errors import UnsupportedMedia
from tlog.http.limits import BodyBudget
from tlog.http.problem import kind_of
from tlog.http.query import parse_query
from tlog.http.search_parameters import MAX_BODY_BYTES, NAMES, Search, members, parse_search, parse_text
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.service.lookup import Found
from tlog.storage.log_store import StoredEntry
from tlog.storage.token_store import Token, TokenKind

RUNNING: Final = 3
WAITING: Final = 32
SHARE: Final = 8


class SearchRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, auth: Authenticator, bodies: BodyBudget) -> None:
        self._log = log
        self._auth = auth
        self._bodies = bodies
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "look-ups")

    async def by_query(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/entries`."""
        query = parse_query(request, *NAMES)
        token = await self._auth.token(request)
        return await self._answer(parse_search(query), token)

    async def by_body(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/entries/search`."""
        parse_query(request)
        token = await self._auth.token(request)
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != JSON:
            raise UnsupportedMedia(f"send the filters as {JSON}, one object")
        with self._bodies.lease(token.name) as lease:
            search = parse_search(members(await lease.read(request, MAX_BODY_BYTES)))
        return await self._answer(search, token)

    async def by_id(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/entries/by-id/{id}`."""
        parse_query(request)
        entry_id = UUID(parse_text(request.match_info["id"], "id", fields.EntryId))
        token = await self._auth.token(request)
        return json_answer(await self._few.run(token.token_id, lambda: self._entry(entry_id.bytes, token)))

    async def _answer(self, search: Search, token: Token) -> web.Response:
        own = _within_rights(search, token)
        return json_answer(await self._few.run(token.token_id, lambda: self._page(own)))

    def _page(self, search: Search) -> EntryPage:
        page = self._log.lookup.page(search.filters, search.cursor, search.limit)
        return EntryPage(entries=self._items(page.entries), next=page.next, scanned=page.scanned)

    def _items(self, entries: Sequence[Found]) -> list[EntryAnswer | EntryProblem]:
        readable = [(e.stored, e.opened) for e in entries if not isinstance(e.opened, TlogError)]
        answers = iter(entry_answers(self._log, readable))
        return [_problem(e.stored, e.opened) if isinstance(e.opened, TlogError) else next(answers) for e in entries]

    def _entry(self, entry_id: bytes, token: Token) -> EntryAnswer:
        stored = self._log.entries.stored(self._log.store.index_of(entry_id))
        require_readable(token, stored)
        return entry_answers(self._log, [(stored, self._log.entries.opened(stored))])[0]


def _within_rights(search: Search, token: Token) -> Search:
    """Return the search within what the token may read. Raises `Forbidden`."""
    if token.kind is not TokenKind.SOURCE:
        return search
    if search.filters.source not in {None, token.name}:
        raise Forbidden(f"source: this token finds entries of the source {token.name} only")
    return replace(search, filters=replace(search.filters, source=token.name))


def _problem(stored: StoredEntry, error: TlogError) -> EntryProblem:
    return EntryProblem(index=stored.index, problem=kind_of(error).slug, detail=str(error))

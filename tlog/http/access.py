"""Who looked: at an entry, or at anything about a person.

    GET  /v1/access?index=<n>       &limit=<n>&before=<index>
    POST /v1/access/search          {"subject": id} or {"index": n}, "limit"?, "before"?

Newest first, for auditors and data protection officers, about entries that they may read. `before` is the `next` of
the page before. A person's id is in the body only, so it is in no URL. 404 for an index beyond the log; of a person
nothing is found where nobody looked, and where the log does not know them, or not any more.
"""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct

from tlog.audit import fields
from tlog.errors import BadRequest, NotFound
from tlog.http.answers.access import AccessActor, AccessAnswer, AccessPage
from tlog.http.answers.answer import json_answer
from tlog.http.auth import require_readable
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.looked_up import note_looked_up
from tlog.http.noted import note_read, principal_of
from tlog.http.query import decimal, parse_query
from tlog.service.accesses import AccessesFound, FoundAccess
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.service.principal import Principal

RUNNING: Final = 2
WAITING: Final = 16
SHARE: Final = 4
DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
MAX_INDEX: Final = 2**63 - 1
Index = Annotated[int, Meta(ge=0, le=MAX_INDEX, description="an index of an entry")]


class AccessBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom or what to ask about."""

    subject: fields.Identifier | None = None
    index: Index | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description=f"from 1 to {MAX_LIMIT}")] = DEFAULT_LIMIT
    before: Index | None = None

    def __repr__(self) -> str:
        return "<AccessBody>"


class AccessRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget) -> None:
        self._log = log
        self._bodies = bodies
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "questions about who looked")

    async def by_entry(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/access`."""
        query = parse_query(request, "index", "limit", "before")
        limit = decimal(query, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT))
        before = decimal(query, "before") if "before" in query else None
        return await self._answer(request, AccessBody(index=decimal(query, "index"), limit=limit, before=before))

    async def by_body(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/access/search`."""
        parse_query(request)
        body = await read_json(request, self._bodies, principal_of(request).name, AccessBody)
        if (body.subject is None) == (body.index is None):
            raise BadRequest("name either subject or index")
        return await self._answer(request, body)

    async def _answer(self, request: web.Request, body: AccessBody) -> web.Response:
        principal = principal_of(request)
        await note_looked_up(request, self._log.lookup, body.subject)
        found = await self._few.run(principal.id, lambda: self._found(body, principal))
        note_read(request, [access.stored.index for access in found.accesses])
        return json_answer(_page(found))

    def _found(self, body: AccessBody, principal: Principal) -> AccessesFound:
        if body.subject is not None:
            return self._log.who_looked.of_subject(body.subject, body.before, body.limit, principal.scope)
        index = body.index or 0
        if index >= self._log.store.state().size:
            raise NotFound(f"there is no entry {index}")
        if (row := self._log.store.entries_at([index]).get(index)) is not None:
            require_readable(principal, row)
        return self._log.who_looked.of_entry(index, body.before, body.limit)


def _page(found: AccessesFound) -> AccessPage:
    return AccessPage(
        accesses=[_access(access) for access in found.accesses],
        next=found.next,
        entries=found.entries,
        entries_or_more=found.or_more,
    )


def _access(found: FoundAccess) -> AccessAnswer:
    entry = found.opened.entry
    actor = entry.get("actor") or {}
    details = entry.get("details") or {}
    return AccessAnswer(
        index=found.stored.index,
        at=entry["occurred_at"],
        actor=AccessActor(type=actor.get("type", ""), id=actor.get("id", ""), name=actor.get("name")),
        action=entry["action"],
        outcome=entry["outcome"],
        operation=details.get("operation"),
        shown=list(found.shown),
        by_name=found.by_name,
    )

"""Drills: what to pick from, past ones, and logging one that was run elsewhere.

    GET  /v1/drills/window?around=<YYYY-MM-DD>&days=<n>   the indices received n days (default 7) before and after a
                                                          day, how many have no row, and the first of these
    POST /v1/drills     a `DrillResult`: logged as an own entry of the log, once however often it is sent
    GET  /v1/drills     past drills, newest first, in pages: ?limit=<n>&cursor=<next of the page before>

The window and logging are for auditors and data protection officers who may read everything; past drills, which tell of
entries of every source, also for admins. What is sent as a result
is the word of who sends it, and is logged under their name; whether it passed is worked out here from its numbers.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Final

from aiohttp import web

from tlog.client.drill import WINDOW_DAYS
from tlog.client.drill_result import DrillResult
from tlog.errors import Forbidden
from tlog.http.answers.answer import json_answer
from tlog.http.answers.drills import DrillAnswer, DrillLogged, DrillPage, DrillWindowAnswer
from tlog.http.errors import BadParameter
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.noted import note_read, principal_of
from tlog.http.query import decimal, parse_query
from tlog.http.running import publisher_of
from tlog.http.search_parameters import MAX_CURSOR
from tlog.service.drills import PastDrill
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.service.principal import Principal
from tlog.storage.roles import EVERYTHING

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
MAX_DAYS: Final = 366
RUNNING: Final = 1
WAITING: Final = 4
SHARE: Final = 2


class DrillRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget) -> None:
        self._log = log
        self._bodies = bodies
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "look-ups for drills")

    async def window(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/drills/window`."""
        query = parse_query(request, "around", "days")
        around, days = _day(query.get("around")), decimal(query, "days", WINDOW_DAYS, (0, MAX_DAYS))
        principal = principal_of(request)
        _require_everything(principal)
        publisher_of(self._log)
        found = await self._few.run(principal.id, lambda: self._log.drill_windows.around(around, days))
        return json_answer(DrillWindowAnswer(**{name: getattr(found, name) for name in found.__struct_fields__}))

    async def store(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/drills`. It is logged though the client goes away."""
        parse_query(request)
        principal = principal_of(request)
        _require_everything(principal)
        result = await read_json(request, self._bodies, principal.name, DrillResult)
        publisher_of(self._log)
        work = self._log.acts.spawn(self._log.drills.log(result, principal.actor()))
        return json_answer(DrillLogged(index=await asyncio.shield(work), passed=result.passed), status=201)

    async def page(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/drills`."""
        query = parse_query(request, "limit", "cursor")
        if principal_of(request).scope.is_limited:
            raise Forbidden("drills are of all entries of the log, and you are limited to some")
        limit, cursor = decimal(query, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT)), query.get("cursor")
        if cursor is not None and not 0 < len(cursor) <= MAX_CURSOR:
            raise BadParameter(f"cursor: from 1 to {MAX_CURSOR} characters")
        client = principal_of(request).id
        found, following = await self._few.run(client, lambda: self._log.drills.page(cursor, limit))
        note_read(request, [past.index for past in found])
        return json_answer(DrillPage(drills=list(map(_answer, found)), next=following))


def _require_everything(principal: Principal) -> None:
    """Raise `Forbidden` for who is limited to some entries: others are picked too, and would all be missed."""
    if principal.scope != EVERYTHING:
        raise Forbidden("a drill picks from all entries of the log, and you are limited to some")


def _day(text: str | None) -> date:
    if text is None:
        raise BadParameter("around: missing")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:  # Python takes other forms of ISO 8601 too
        raise BadParameter("around: a day as YYYY-MM-DD")
    return found


def _answer(past: PastDrill) -> DrillAnswer:
    return DrillAnswer(
        index=past.index,
        logged_at=past.logged_at,
        by=str(past.actor.get("id", "")),
        passed=past.passed,
        result=dict(past.details),
    )

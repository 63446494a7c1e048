"""Retention: what expires when, and expiring at once what is due. For tokens of data protection officers.

GET  /v1/retention          the dry run: cohorts that expire up to a day, soonest first, then those without a period
    ?until=<YYYY-MM-DD>     default in 90 days; `paused` says why nothing expires by itself, if so
POST /v1/retention/run      {"authorised_by"}: expire now what the scheduler would expire at its next turn,
                            and end a pause
200  done, with an act for each cohort (none: nothing was due)
202  each act waits for a second person
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time
from typing import Final

from aiohttp import web
from msgspec import Struct

from tlog.audit import fields
from tlog.audit.fields import instant
from tlog.errors import Unavailable
from tlog.http.acts import act_answer
from tlog.http.answers.answer import json_answer
from tlog.http.answers.retention import CohortAnswer, PauseAnswer, RetentionPlan, RetentionRun
from tlog.http.errors import BadParameter
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.noted import note_read, note_waiting, principal_of
from tlog.http.query import parse_query
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.service.retention import Planned, Retention
from tlog.storage.act_store import ActState

RUNNING: Final = 1
WAITING: Final = 4
SHARE: Final = 2
_AHEAD: Final = 90 * 86_400_000_000


class RetentionRunBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who has due cohorts expire now."""

    authorised_by: fields.Text

    def __repr__(self) -> str:
        return "<RetentionRunBody>"


class RetentionRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget) -> None:
        self._log = log
        self._bodies = bodies
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "plans of retention")

    async def plan(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/retention`."""
        query = parse_query(request, "until")
        principal = principal_of(request)
        until = _day(query["until"]) if "until" in query else self._log.acts.now() + _AHEAD
        retention = self._retention()
        planned = await self._few.run(principal.id, lambda: retention.plan(until))
        found = await asyncio.to_thread(retention.paused)
        paused = None if found is None else PauseAnswer(since=found.since, reason=found.reason)
        return json_answer(RetentionPlan(until=instant(until), paused=paused, cohorts=list(map(_cohort, planned))))

    async def run(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/retention/run`. It goes on though the client goes away."""
        parse_query(request)
        principal = principal_of(request)
        body = await read_json(request, self._bodies, principal.name, RetentionRunBody)
        work = self._log.acts.spawn(self._retention().request(principal, body.authorised_by))
        acts = await asyncio.shield(work)
        if not acts:
            note_read(request)  # no act says that somebody asked
        pending = [act.act_id for act in acts if act.state is ActState.PENDING]
        note_waiting(request, pending)
        answer = RetentionRun(acts=[act_answer(self._log, act) for act in acts])
        return json_answer(answer, status=202 if pending else 200)

    def _retention(self) -> Retention:
        if self._log.retention is None:
            raise Unavailable("this log has no folder for erasure records, so nothing can expire")
        return self._log.retention


def _day(text: str) -> int:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadParameter("until: a day as YYYY-MM-DD") from None
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000


def _cohort(plan: Planned) -> CohortAnswer:
    return CohortAnswer(
        cohort=plan.cohort.name,
        retention=plan.cohort.retention,
        months=None if plan.kept is None else plan.kept.months,
        reason=None if plan.kept is None else plan.kept.reason,
        expires_at=None if plan.expires_at is None else instant(plan.expires_at),
        entries=plan.entries,
        held=plan.held,
        due=plan.is_due,
    )

"""Legal holds, and recorded grounds of Art. 17(3) GDPR. For tokens of data protection officers.

    POST /v1/holds        {"kind": "legal-hold" | "art-17-3", "case", "reason", "authorised_by", "ground"?} and a scope
                          of "subject"?, "source"?, "occurred_from"?, "occurred_to"?, "by_case"?: all given must fit
    201  it is in force
    GET  /v1/holds        those in force; ?all=1 also the lifted ones
    POST /v1/holds/lift   {"hold": number} or {"case"}, "reason", "authorised_by"
    200  lifted, with an act for each; 202 each waits for a second person

A subject's id is in the body only. Case and reasons are stored encrypted and shown here alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import replace

from tlog.audit import fields
from tlog.audit.fields import instant
from tlog.errors import BadRequest, Unavailable
from tlog.http.acts import act_answer
from tlog.http.answers.answer import json_answer
from tlog.http.answers.holds import HoldAnswer, HoldList, LiftAnswer
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.noted import note_waiting, principal_of
from tlog.http.query import one_of, parse_query
from tlog.http.search_parameters import parse_time
from tlog.service.hold_acts import HoldActs, HoldRequest
from tlog.service.log import Log
from tlog.storage.act_store import ActState
from tlog.storage.hold_store import Hold, HoldKind

T = TypeVar("T")
Kind = Annotated[Literal["legal-hold", "art-17-3"], Meta(description='one of "legal-hold", "art-17-3"')]
Ground = Annotated[Literal["a", "b", "c", "d", "e"], Meta(description="a to e of Art. 17(3)")]
Number = Annotated[int, Meta(ge=1, le=2**31 - 1, description="the number of a hold")]


class HoldBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A hold to place. Times are RFC 3339 in UTC, or a day."""

    kind: Kind
    case: fields.Identifier
    reason: fields.Text
    authorised_by: fields.Text
    ground: Ground | None = None
    subject: fields.Identifier | None = None
    source: fields.SourceName | None = None
    occurred_from: fields.Identifier | None = None
    occurred_to: fields.Identifier | None = None
    by_case: bool = False

    def __repr__(self) -> str:
        return "<HoldBody>"

    def request(self) -> HoldRequest:
        """Return what is asked for. Raises `BadParameter` for a time that is none."""
        return HoldRequest(
            HoldKind(self.kind),
            self.case,
            self.reason,
            self.authorised_by,
            self.ground,
            self.subject,
            self.source,
            parse_time(self.occurred_from, "occurred_from"),
            parse_time(self.occurred_to, "occurred_to"),
            self.by_case,
        )


class LiftBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which holds to lift, and why."""

    reason: fields.Text
    authorised_by: fields.Text
    hold: Number | None = None
    case: fields.Identifier | None = None

    def __repr__(self) -> str:
        return "<LiftBody>"


class HoldRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget) -> None:
        self._log = log
        self._bodies = bodies

    async def place(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/holds`."""
        parse_query(request)
        principal = principal_of(request)
        asked = (await read_json(request, self._bodies, principal.name, HoldBody)).request()
        hold = await self._run(self._holds().place(asked, principal))
        return json_answer(await asyncio.to_thread(self._placed, hold), status=201)

    async def all(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/holds`."""
        query = parse_query(request, "all")
        wanted = one_of(query, "all", ("0", "1"), "0") == "1"
        return json_answer(HoldList(holds=await asyncio.to_thread(self._list, wanted)))

    async def lift(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/holds/lift`."""
        parse_query(request)
        principal = principal_of(request)
        body = await read_json(request, self._bodies, principal.name, LiftBody)
        if (body.hold is None) == (body.case is None):
            raise BadRequest("name either hold or case")
        holds = self._holds()
        numbers = [body.hold] if body.hold is not None else await asyncio.to_thread(holds.of_case, body.case or "")
        acts = await self._run(holds.lift(numbers, principal, body.reason, body.authorised_by))
        pending = [act.act_id for act in acts if act.state is ActState.PENDING]
        note_waiting(request, pending)
        lifted = await asyncio.to_thread(lambda: [self._answer(holds.holds.store.get(number)) for number in numbers])
        answer = LiftAnswer(acts=[act_answer(self._log, act) for act in acts], holds=lifted)
        return json_answer(answer, status=202 if pending else 200)

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Go on though the client goes away."""
        return await asyncio.shield(self._log.acts.spawn(work))

    def _holds(self) -> HoldActs:
        if self._log.holds is None:
            raise Unavailable("this log has no folder for erasure records, so nothing goes and nothing can be held")
        return self._log.holds

    def _list(self, everything: bool) -> list[HoldAnswer]:
        store = self._holds().holds.store
        return [self._answer(hold) for hold in (store.all() if everything else store.active())]

    def _placed(self, hold: Hold) -> HoldAnswer:
        case = self._holds().holds.said(hold)["case"]
        covered = self._log.lookup.covered(hold, case)
        return replace(self._answer(hold), entries=covered.entries, entries_or_more=covered.or_more)

    def _answer(self, hold: Hold) -> HoldAnswer:
        said = self._holds().holds.said(hold)
        return HoldAnswer(
            hold=hold.hold,
            act=str(UUID(bytes=hold.hold_id)),
            kind=hold.kind.value,
            case=said["case"],
            reason=said["reason"],
            ground=said.get("ground"),
            authorised_by=said["authorised_by"],
            on_subject=said.get("on_subject", hold.key_id is not None),
            source=hold.source,
            occurred_from=None if hold.occurred_from is None else instant(hold.occurred_from),
            occurred_to=None if hold.occurred_to is None else instant(hold.occurred_to),
            by_case=hold.by_case,
            placed_at=instant(hold.placed_at),
            lifted_at=None if hold.lifted_at is None else instant(hold.lifted_at),
            lift_reason=said.get("lifted", {}).get("reason"),
            lift_authorised_by=said.get("lifted", {}).get("authorised_by"),
        )

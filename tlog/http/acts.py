"""Acts of data protection officers: how far one is, and the second person's word on it.

    GET  /v1/acts                  of every kind, the newest first, in pages
        ?kind=erasure&state=pending&limit=<n>&before=<number of an act>
    GET  /v1/acts/{id}             state, counts, progress while it is under way; of one that waits, what it would reach
    POST /v1/acts/{id}/approve     the second person agrees: the act is carried out, and answered when it is done
    POST /v1/acts/{id}/decline     it is not carried out

All of it for tokens of data protection officers.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

from aiohttp import web

from tlog.audit.fields import instant
from tlog.http.answers.acts import ActAnswer, ActPage, ActProgress
from tlog.http.answers.answer import json_answer
from tlog.http.noted import principal_of
from tlog.http.query import decimal, one_of, parse_query
from tlog.service.act_reach import Reach, reach
from tlog.service.acts import decider_of, parse_act_id
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.service.principal import Principal
from tlog.storage.act_store import Act, ActKind, ActState

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
MAX_NUMBER: Final = 2**31 - 1  # an act has a 32-bit number
RUNNING: Final = 2
WAITING: Final = 8
SHARE: Final = 4
TOLD: Final = (
    *("by", "authorised_by", "legal_basis", "reason", "role"),
    *("name", "roles", "sources", "classes", "credential", "until"),
)
"""What is told of an act that is under way: nothing that names whom it is about, and no secret."""
KINDS: Final = tuple(str(kind) for kind in ActKind)
STATES: Final = tuple(str(state) for state in ActState)


class ActRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "acts that are counted")

    async def page(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/acts`."""
        query = parse_query(request, "kind", "state", "limit", "before")
        kind = ActKind(one_of(query, "kind", KINDS, "")) if "kind" in query else None
        state = ActState(one_of(query, "state", STATES, "")) if "state" in query else None
        limit = decimal(query, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT))
        before = decimal(query, "before", None, (0, MAX_NUMBER)) if "before" in query else None
        found = await asyncio.to_thread(self._log.acts.store.newest, kind, limit, before, state)
        following = found[-1].act if len(found) == limit else None
        return json_answer(
            ActPage(acts=[act_answer(self._log, act, principal_of(request)) for act in found], next=following)
        )

    async def read(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/acts/{id}`."""
        parse_query(request)
        principal = principal_of(request)
        act = await asyncio.to_thread(self._log.acts.store.get, parse_act_id(request.match_info["id"]))
        return json_answer(act_answer(self._log, act, principal, await self._reach(act, principal)))

    async def approve(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/acts/{id}/approve`. The act goes on though the client goes away."""
        parse_query(request)
        principal = principal_of(request)
        work = self._log.acts.spawn(self._log.acts.approve(parse_act_id(request.match_info["id"]), principal))
        return json_answer(act_answer(self._log, await asyncio.shield(work)))

    async def decline(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/acts/{id}/decline`."""
        parse_query(request)
        principal = principal_of(request)
        work = self._log.acts.spawn(self._log.acts.decline(parse_act_id(request.match_info["id"]), principal))
        return json_answer(act_answer(self._log, await asyncio.shield(work)))

    async def _reach(self, act: Act, principal: Principal) -> Reach | None:
        """Return what an act that waits would reach, for who may decide on it: counting may take a while."""
        if act.state is not ActState.PENDING or not principal.may(decider_of(act.kind)):
            return None
        log = self._log
        return await self._few.run(principal.id, lambda: reach(act, log.lookup, log.holds, log.retention))


def act_answer(log: Log, act: Act, principal: Principal | None = None, reached: Reach | None = None) -> ActAnswer:
    """Return what may be known of an act, not whom it is about; to who may decide on it, also what it says.

    `reached` is what it would reach, where that was counted.
    """
    progress = log.acts.progress.get(act.act_id)
    return ActAnswer(
        act=str(UUID(bytes=act.act_id)),
        kind=act.kind.value,
        state=act.state.value,
        requested_at=instant(act.requested_at),
        applied_at=None if act.applied_at is None else instant(act.applied_at),
        entries=act.entries,
        parts=act.parts,
        index=act.entry_index,
        progress=None
        if progress is None
        else ActProgress(phase=progress.phase, done=progress.done, total=progress.total),
        said=_said(log, act, principal, reached),
    )


def _said(log: Log, act: Act, principal: Principal | None, reached: Reach | None) -> dict[str, Any] | None:
    if act.payload is None or principal is None or not principal.may(decider_of(act.kind)):
        return None
    said = log.acts.payload(act)
    told = {name: said[name] for name in TOLD if said.get(name) is not None}
    told |= {"entries": said["planned"]} if "planned" in said else {}
    told |= {name: number for name, number in (("hold", act.hold), ("cohort", act.cohort)) if number is not None}
    return told | ({} if reached is None else _reach(reached))


def _reach(reached: Reach) -> dict[str, Any]:
    told: dict[str, Any] = {"entries": reached.entries}
    told |= {"entries_or_more": True} if reached.or_more else {}
    return told | ({} if reached.held is None else {"held": reached.held})

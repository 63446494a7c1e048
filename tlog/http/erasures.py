"""Erasures: forget one person, as a data subject or as an actor. For tokens of data protection officers.

    POST /v1/erasures     {"subject": id} or {"actor": {"type", "id"}}, "legal_basis", "authorised_by",
                          "reason"?, "dry_run"? (then without basis and authority too), "even_damaged"?, "wait"?
    200  done; dry-run: what would be erased; nothing-to-erase: nobody of this name is here, nothing was done
    202  pending: waits for a second person; running: under way ("wait": false, or asked for before)
    409  held: a hold protects something; entry-damaged: something does not open. Nothing was changed, and it is logged

    GET /v1/erasures      the newest first, in pages
        ?limit=<n>&before=<number of an act>

The person's id is in the body only, so it is in no URL; the other texts must not contain it.
"""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from tlog.audit import fields
from tlog.audit.entry import Record
from tlog.audit.fields import instant
from tlog.errors import BadRequest, Fault, Unavailable
from tlog.http.acts import DEFAULT_LIMIT, MAX_LIMIT, MAX_NUMBER, act_answer
from tlog.http.answers.acts import ErasureAnswer, ErasurePage
from tlog.http.answers.answer import json_answer
from tlog.http.errors import RequestInvalid
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.looked_up import note_looked_up
from tlog.http.noted import note_read, note_waiting, principal_of
from tlog.http.query import decimal, parse_query
from tlog.http.search_parameters import meta_of
from tlog.keys.keyring import actor_identity
from tlog.service.erasure import Erasure, Erasures
from tlog.service.erasure_request import ErasureRequest, Person
from tlog.service.log import Log
from tlog.storage.act_store import ActKind

_WAITING: Final = frozenset({"pending", "running"})


class ActorName(Record, frozen=True, kw_only=True):
    """An actor by type and id."""

    type: fields.TypeName
    id: fields.Identifier


class ErasureBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom to erase, on what basis and authority; both may be left out of a dry run."""

    legal_basis: fields.Text | None = None
    authorised_by: fields.Text | None = None
    subject: fields.Identifier | None = None
    actor: ActorName | None = None
    reason: fields.Text | None = None
    dry_run: bool = False
    even_damaged: bool = False
    wait: bool = True

    def __repr__(self) -> str:
        return "<ErasureBody>"

    def request(self) -> ErasureRequest:
        """Return what is asked for. Raises `BadRequest` unless exactly one person is named, `RequestInvalid`."""
        if not self.dry_run:
            self._require_authority()
        if (self.subject is None) == (self.actor is None):
            raise BadRequest("name either subject or actor")
        if self.actor is not None:
            person = Person("actor", actor_identity(self.actor.type, self.actor.id))
        else:
            person = Person("subject", self.subject or "")
        return ErasureRequest(person, self.legal_basis or "", self.authorised_by or "", self.reason, self.even_damaged)

    def _require_authority(self) -> None:
        given = {"legal_basis": self.legal_basis, "authorised_by": self.authorised_by}
        if missing := [name for name, text in given.items() if text is None]:
            expected = f"missing; expected {meta_of(fields.Text).description}"
            raise RequestInvalid([Fault(name, expected) for name in missing])


class ErasureRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget) -> None:
        self._log = log
        self._bodies = bodies

    async def erase(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/erasures`."""
        parse_query(request)
        principal = principal_of(request)
        body = await read_json(request, self._bodies, principal.name, ErasureBody)
        asked = body.request()
        asked.check()
        erasures = self._erasures()
        if body.dry_run:
            note_read(request)
            await note_looked_up(request, self._log.lookup, body.subject)
            done = await erasures.plan(asked.person)
        else:
            done = await erasures.request(asked, principal, wait=body.wait)
            if done.act is None:  # no act logs that somebody asked
                note_read(request)
            elif done.status == "pending":
                note_waiting(request, [done.act])
            elif done.asked_before:
                note_read(request, details={"running": str(UUID(bytes=done.act))})
        return json_answer(_answer(done), status=202 if done.status in _WAITING else 200)

    async def page(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/erasures`."""
        query = parse_query(request, "limit", "before")
        limit = decimal(query, "limit", DEFAULT_LIMIT, (1, MAX_LIMIT))
        before = decimal(query, "before", None, (0, MAX_NUMBER)) if "before" in query else None
        found = await asyncio.to_thread(self._log.acts.store.newest, ActKind.ERASURE, limit, before)
        following = found[-1].act if len(found) == limit else None
        return json_answer(
            ErasurePage(erasures=[act_answer(self._log, act, principal_of(request)) for act in found], next=following)
        )

    def _erasures(self) -> Erasures:
        if self._log.erasures is None:
            raise Unavailable("this log has no folder for erasure records, so nothing can be erased")
        return self._log.erasures


def _answer(done: Erasure) -> ErasureAnswer:
    extent = done.extent
    return ErasureAnswer(
        status=done.status,
        act=None if done.act is None else str(UUID(bytes=done.act)),
        index=done.index,
        entries=extent.entries,
        parts=extent.parts,
        other_subjects_affected=extent.other_subjects_affected,
        held=list(done.held),
        first_received_at=None if extent.first_received_at is None else instant(extent.first_received_at),
        last_received_at=None if extent.last_received_at is None else instant(extent.last_received_at),
    )

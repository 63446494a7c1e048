"""Exports for data subjects (Art. 15 GDPR). For tokens of data protection officers.

    POST /v1/subject-access    {"subject": id, "authorised_by", "from"?, "to"?, "format"?: "json" | "csv" | "html",
                                "include_details"?, "evidence"?}
    200  the file; with "evidence" (and format json) {"export": …, "evidence": … | null}
         Tlog-Person-Known: yes | no    no: no entry is about anybody of this id; the file says so to the person

The period is of `occurred_at`; `to` is not part of it. The person's id is in the body only, so it is in no URL. Each
export is an entry of the log, durable before the answer leaves: its targets are the entries that the file shows, and
the number of the person's key where the log knows them. Of more entries than one has room for there are several.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

import msgspec
from aiohttp import web
from msgspec import Struct

from tlog.audit import fields
from tlog.audit.entry import Actor
from tlog.audit.evidence import Evidence
from tlog.audit.subject_access import SubjectAccess
from tlog.audit.subject_access_csv import encode_csv
from tlog.errors import BadRequest, TlogError, Unavailable
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.noted import principal_of
from tlog.http.query import parse_query
from tlog.http.renderers import Renderers
from tlog.http.running import publisher_of
from tlog.http.search_parameters import parse_period
from tlog.service.access_log import targets_of
from tlog.service.acts import new_act_id
from tlog.service.evidence import EvidenceMaker
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.service.own_entries import derived_id
from tlog.service.subject_access import AccessRequest, Made, SubjectAccessMaker
from tlog.storage.roles import RowScope

RUNNING: Final = 1
WAITING: Final = 8
SHARE: Final = 2
ACTION: Final = "tlog.subject-access"
PURPOSE: Final = "access by the data subject"
LEGAL_BASIS: Final = "GDPR Art. 15"
KNOWN: Final = "Tlog-Person-Known"
PAGE: Final = 500
"""So many entries are named by one own entry, as by that of any other answer."""
_WITNESSED_SECONDS: Final = 5.0
MEDIA_TYPES: Final = {"json": "application/json", "csv": "text/csv", "html": "text/html"}


class SubjectAccessBody(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}
):
    """Whose export, of which period, in which form, on whose authority."""

    subject: fields.Identifier
    authorised_by: fields.Text
    start: str | None = None
    end: str | None = None
    format: Literal["json", "csv", "html"] = "json"
    include_details: bool = False
    evidence: bool = False

    def __repr__(self) -> str:
        return "<SubjectAccessBody>"

    def request(self, scope: RowScope) -> AccessRequest:
        """Return what is asked for by somebody who may read `scope`.

        Raises `BadParameter` for a period that is none, `BadRequest`.
        """
        if self.evidence and self.format != "json":
            raise BadRequest("evidence: it comes with format json only")
        period = parse_period(self.start, self.end, ("from", "to"))
        return AccessRequest(self.subject, self.authorised_by, period, self.include_details, self.evidence, scope)


class ProvedAccess(Struct, frozen=True):
    """An export with evidence of its readable entries; null where there are none."""

    export: SubjectAccess
    evidence: Evidence | None


class SubjectAccessRoute:
    """The handler over one log."""

    def __init__(self, log: Log, bodies: BodyBudget, renderers: Renderers) -> None:
        self._log = log
        self._bodies = bodies
        self._renderers = renderers
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "exports for data subjects")
        evidence = EvidenceMaker(log.store, log.proofs, log.policy, log.acts.now)
        self._maker = SubjectAccessMaker(log.lookup, log.classes, log.signer.origin, evidence, log.acts.now)

    async def export(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/subject-access`."""
        parse_query(request)
        principal = principal_of(request)
        body = await read_json(request, self._bodies, principal.name, SubjectAccessBody)
        asked = body.request(principal.scope)
        asked.check()
        self._require_renderer(body.format)
        self._log.acts.require_open()
        person = await asyncio.to_thread(self._log.lookup.subject_key, asked.subject)
        size, act = await self._published(), new_act_id()
        made, data = await self._few.run(principal.id, lambda: self._file(asked, size, act, body.format))
        said = _details(made.export, body.format, asked)
        await self._log_act(act, principal.actor(asked.authorised_by), said, _shown(made.export), person)
        return _answer(data, body.format, known=made.export.known)

    def _require_renderer(self, form: str) -> None:
        if form == "html" and self._renderers.subject_access is None:
            raise BadRequest("format: this server makes no HTML; ask for json or csv")

    async def _published(self) -> int:
        """Return the size of the published checkpoint, of all that is stored now where that is soon enough."""
        publisher, state = publisher_of(self._log), await asyncio.to_thread(self._log.store.state)
        with suppress(TimeoutError, TlogError):  # complete up to the checkpoint that there is: the file says which
            await asyncio.wait_for(self._log.wait("witnessed", state.size), _WITNESSED_SECONDS)
        if publisher.published is None:
            raise Unavailable("no checkpoint is published yet, so there is nothing to be complete up to; ask again")
        return publisher.published.size

    def _file(self, asked: AccessRequest, size: int, act: bytes, form: str) -> tuple[Made, bytes]:
        made = self._maker.make(asked, size, act)
        return made, self._encoded(made, asked, form)

    def _encoded(self, made: Made, asked: AccessRequest, form: str) -> bytes:
        if form == "csv":
            return encode_csv(made.export)
        if form == "html" and self._renderers.subject_access is not None:
            return self._renderers.subject_access(made.export)
        return msgspec.json.encode(ProvedAccess(made.export, made.evidence)) if asked.evidence else made.export.encode()

    async def _log_act(
        self, act: bytes, actor: Actor, details: Mapping[str, Any], shown: Sequence[int], person: int | None
    ) -> None:
        """Say in the log that a file was made, and what it shows; durable on return.

        A crash before, or between two own entries: nobody has got the file.
        """
        pages = [shown[start : start + PAGE] for start in range(0, len(shown), PAGE)] or [[]]
        for number, page in enumerate(pages, 1):
            await self._log.acts.own.log(
                act if number == 1 else derived_id(b"subject access %d" % number, act),
                actor,
                ACTION,
                "allowed",
                {**details, "page": number, "pages": len(pages)} if len(pages) > 1 else details,
                purpose=PURPOSE,
                legal_basis=LEGAL_BASIS,
                targets=targets_of(page, person),
            )


def _details(export: SubjectAccess, form: str, asked: AccessRequest) -> dict[str, Any]:
    limits = {"from": export.start, "to": export.end, "limited_to": export.limited_to}
    return {
        "act": export.act,
        "entries": len(export.entries),
        "unreadable": len(export.unreadable),
        "tree_size": export.tree_size,
        "format": form,
        "include_details": asked.include_details,
        "evidence": asked.evidence,
        **{name: said for name, said in limits.items() if said is not None},
    }


def _shown(export: SubjectAccess) -> list[int]:
    return sorted([entry.index for entry in export.entries] + [item.index for item in export.unreadable])


def _answer(data: bytes, form: str, *, known: bool) -> web.Response:
    charset = None if form == "json" else "utf-8"
    name = f'attachment; filename="subject-access.{form}"'
    headers = {"Cache-Control": "no-store", "Content-Disposition": name, KNOWN: "yes" if known else "no"}
    return web.Response(body=data, content_type=MEDIA_TYPES[form], charset=charset, headers=headers)

"""Evidence, as files that verify offline.

    GET  /v1/entries/{index}/evidence?disclose=core,actor&redact=purpose
    POST /v1/evidence        {"indices": [17, 18], "disclose": ["core"], "redact": ["purpose"]}: several in one file

`disclose` names fields, groups of them, `core` (what says when and what, but not who) or `all`; default `core`.
`redact` takes fields out again. Whoever holds a file can show less of it, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta, Struct, field

from tlog.audit.erased_part import ErasedPart
from tlog.audit.evidence import Evidence, field_matcher
from tlog.audit.layout import may_hold
from tlog.audit.part import CORE
from tlog.errors import Expired
from tlog.http.auth import Authenticator, require_readable
from tlog.http.entry_answer import entry_answers, named_expiry
from tlog.http.errors import BadParameter
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.query import parse_number, parse_query
from tlog.http.running import publisher_of
from tlog.service.evidence import EvidenceMaker, Provable
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.storage.token_store import Token

ALL: Final = "all"
MAX_FILE_ENTRIES: Final = 500
RUNNING: Final = 2
WAITING: Final = 16
SHARE: Final = 4
_MAX_FIELDS: Final = 64
Field = Annotated[str, Meta(pattern=r"\A[a-z_]+(\.[a-z_]+|\[(0|[1-9][0-9]?)\])?\Z", max_length=64)]


class EvidenceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries, and what of them to show."""

    indices: Annotated[list[Annotated[int, Meta(ge=0, le=2**63 - 1)]], Meta(min_length=1, max_length=MAX_FILE_ENTRIES)]
    disclose: Annotated[list[Field], Meta(max_length=_MAX_FIELDS)] = field(default_factory=lambda: [CORE])
    redact: Annotated[list[Field], Meta(max_length=_MAX_FIELDS)] = []


class EvidenceRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, auth: Authenticator, bodies: BodyBudget) -> None:
        self._log = log
        self._auth = auth
        self._bodies = bodies
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "requests for evidence")
        self._maker = EvidenceMaker(log.store, log.proofs, log.policy, log.acts.now)

    async def of_one(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/entries/{index}/evidence`."""
        query = parse_query(request, "disclose", "redact")
        index = parse_number(request.match_info["index"], "index")
        shown = _fields(query.get("disclose", CORE), "disclose")
        token = await self._auth.token(request)
        evidence = await self._made([index], token, _hidden(shown, _fields(query.get("redact", ""), "redact")))
        return _answer(evidence, f"entry-{index}.evidence.json")

    async def of_several(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/evidence`."""
        parse_query(request)
        token = await self._auth.token(request)
        body = await read_json(request, self._bodies, token.name, EvidenceBody)
        indices = sorted(set(body.indices))
        evidence = await self._made(indices, token, _hidden(body.disclose, body.redact))
        return _answer(evidence, "case.evidence.json")

    async def _made(self, indices: Sequence[int], token: Token, hidden: Callable[[str], bool]) -> Evidence:
        publisher_of(self._log)
        return await self._few.run(token.token_id, lambda: self._maker.make(self._open(indices, token), hidden))

    def _open(self, indices: Sequence[int], token: Token) -> list[Provable]:
        found = []
        for index in indices:
            stored = self._log.entries.stored(index)
            require_readable(token, stored)
            try:
                opened = self._log.entries.opened(stored)
            except Expired as error:
                raise named_expiry(self._log, error) from None
            found.append((stored, opened))
        answers = entry_answers(self._log, found)
        return [
            Provable(stored, opened, [ErasedPart(e.part, e.act, e.at, e.index) for e in answer.erasures])
            for (stored, opened), answer in zip(found, answers, strict=True)
        ]


def _fields(text: str, name: str) -> list[str]:
    fields = [field for field in text.split(",") if field]
    if len(fields) > _MAX_FIELDS or any(len(field) > 64 for field in fields):
        raise BadParameter(f"{name}: at most {_MAX_FIELDS} fields with a comma between")
    return fields


def _hidden(disclose: Sequence[str], redact: Sequence[str]) -> Callable[[str], bool]:
    is_shown, is_redacted = field_matcher(disclose), field_matcher(redact)

    def hidden(name: str) -> bool:
        is_core = CORE in disclose and may_hold(CORE, name)
        return is_redacted(name) or not (ALL in disclose or is_core or is_shown(name))

    return hidden


def _answer(evidence: Evidence, name: str) -> web.Response:
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=evidence.encode(), content_type="application/json", headers=headers)

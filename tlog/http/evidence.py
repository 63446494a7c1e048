"""Evidence, as files that verify offline.

    GET  /v1/entries/{index}/evidence?disclose=core,actor&redact=purpose&format=html
    POST /v1/evidence        {"indices": [17, 18], "disclose": ["core"], "redact": ["purpose"]}: several in one file

`format` is `json` (default) or `html`, a page that verifies itself, made by the function that the server was given.
`disclose` names fields, groups of them, `core` (what says when and what, but not who) or `all`; default `core`.
`redact` takes fields out again. Whoever holds a file can show less of it, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal

from aiohttp import web
from msgspec import Meta, Struct, field

from tlog.audit.evidence import MAX_BYTES, MAX_ENTRIES, Evidence
from tlog.audit.evidence_html import MAX_HTML_BYTES
from tlog.audit.part import CORE
from tlog.audit.wish import Wish
from tlog.errors import BadRequest, TooLarge
from tlog.http.auth import require_readable
from tlog.http.errors import BadParameter
from tlog.http.json_body import read_json
from tlog.http.limits import BodyBudget
from tlog.http.noted import note_read, principal_of
from tlog.http.query import one_of, parse_number, parse_query
from tlog.http.running import publisher_of
from tlog.service.evidence import EvidenceMaker, Provable
from tlog.service.few_at_once import FewAtOnce
from tlog.service.log import Log
from tlog.service.principal import Principal
from tlog.service.readable import provable, read_all

RUNNING: Final = 2
WAITING: Final = 16
SHARE: Final = 4
_MAX_FIELDS: Final = 64
FORMATS: Final = {"json": "application/json", "html": "text/html"}
EvidencePage = Callable[[Evidence], bytes]
"""Makes the page of evidence; may raise `TlogError`. Blocks."""

Field = Annotated[str, Meta(pattern=r"\A[a-z_]+(\.[a-z_]+|\[(0|[1-9][0-9]?)\])?\Z", max_length=64)]


class EvidenceBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries, and what of them to show."""

    indices: Annotated[list[Annotated[int, Meta(ge=0, le=2**63 - 1)]], Meta(min_length=1, max_length=MAX_ENTRIES)]
    disclose: Annotated[list[Field], Meta(max_length=_MAX_FIELDS)] = field(default_factory=lambda: [CORE])
    redact: Annotated[list[Field], Meta(max_length=_MAX_FIELDS)] = []
    format: Literal["json", "html"] = "json"


class EvidenceRoutes:
    """The handlers over one log."""

    def __init__(self, log: Log, bodies: BodyBudget, page: EvidencePage | None = None) -> None:
        """`page` makes HTML of evidence; without it, only JSON is answered."""
        self._log = log
        self._bodies = bodies
        self._page = page
        self._few = FewAtOnce(RUNNING, WAITING, SHARE, "requests for evidence")
        self._maker = EvidenceMaker(log.store, log.proofs, log.policy, log.acts.now)

    async def of_one(self, request: web.Request) -> web.Response:
        """Answer `GET /v1/entries/{index}/evidence`."""
        query = parse_query(request, "disclose", "redact", "format")
        index = parse_number(request.match_info["index"], "index")
        shown, redacted = _fields(query.get("disclose", CORE), "disclose"), _fields(query.get("redact", ""), "redact")
        format_ = one_of(query, "format", FORMATS, "json")
        return _answer(await self._made(request, [index], Wish(shown, redacted), format_), format_, f"entry-{index}")

    async def of_several(self, request: web.Request) -> web.Response:
        """Answer `POST /v1/evidence`."""
        parse_query(request)
        principal = principal_of(request)
        body = await read_json(request, self._bodies, principal.name, EvidenceBody)
        indices = sorted(set(body.indices))
        data = await self._made(request, indices, Wish(body.disclose, body.redact), body.format)
        return _answer(data, body.format, "case")

    async def _made(self, request: web.Request, indices: Sequence[int], wish: Wish, format_: str) -> bytes:
        principal = principal_of(request)
        wish.check()
        encode = self._encoder(format_)
        publisher_of(self._log)
        note_read(request, indices, details={"disclosed": [*wish.disclose], "redacted": [*wish.redact]})
        return await self._few.run(
            principal.id, lambda: encode(self._maker.make(self._open(indices, principal), wish.hides))
        )

    def _encoder(self, format_: str) -> EvidencePage:
        if format_ == "json":
            return _json_of
        if self._page is None:
            raise BadRequest("format: this server makes no pages; ask for json")
        page = self._page
        return lambda evidence: _sized(page(_checked(evidence)), MAX_HTML_BYTES)

    def _open(self, indices: Sequence[int], principal: Principal) -> list[Provable]:
        rows = self._log.store.entries_at(indices)
        stored = [rows[index] if index in rows else self._log.entries.stored(index) for index in indices]
        for row in stored:
            require_readable(principal, row)
        acts = self._log.acts.store
        return provable(read_all(stored, self._log.entries, acts), acts)


def _fields(text: str, name: str) -> list[str]:
    fields = [field for field in text.split(",") if field]
    if len(fields) > _MAX_FIELDS:
        raise BadParameter(f"{name}: at most {_MAX_FIELDS} fields with a comma between")
    return fields


def _json_of(evidence: Evidence) -> bytes:
    return _sized(evidence.encode(), MAX_BYTES)


def _checked(evidence: Evidence) -> Evidence:
    """Return evidence that is not too large for whoever reads it out of a page again."""
    _json_of(evidence)
    return evidence


def _sized(data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise TooLarge(f"the evidence has {len(data)} bytes, more than {most}; ask for fewer entries")
    return data


def _answer(data: bytes, format_: str, name: str) -> web.Response:
    file = f'attachment; filename="{name}.evidence.{format_}"'  # never shown in the log's own origin
    headers = {"Cache-Control": "no-store", "Content-Disposition": file}
    charset = "utf-8" if format_ == "html" else None
    return web.Response(body=data, content_type=FORMATS[format_], charset=charset, headers=headers)

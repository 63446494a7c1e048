"""`GET /openapi.json`: every route, described from the types that the handlers encode and decode.

Schemas come from msgspec's JSON Schema of the entry and of the answers, so what is described is what is
checked. Patterns are Python's; `\\Z` is written `$`, which is what JSON Schema's dialect (ECMA-262) has.
"""

from __future__ import annotations

import json
from typing import Final

import msgspec
from aiohttp import web

from tlog import __version__
from tlog.audit.entry import JSON, NDJSON, Entry
from tlog.audit.evidence import MAX_ENTRIES as MAX_FILE_ENTRIES
from tlog.audit.evidence import Evidence
from tlog.client.drill_result import DrillResult
from tlog.http import answers, answers_sources, drill_answers, problem
from tlog.http.access import AccessBody
from tlog.http.checkpoints import DEFAULT_LIMIT, MAX_LIMIT, ORDERS
from tlog.http.entries import DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS, STAGES
from tlog.http.erasures import ErasureBody
from tlog.http.evidence import FORMATS, EvidenceBody
from tlog.http.holds import HoldBody, LiftBody
from tlog.http.limits import MAX_ENTRIES_BODY_BYTES, MAX_LEAF_BODY_BYTES
from tlog.http.openapi_acts import acts
from tlog.http.openapi_administration import administration
from tlog.http.openapi_drills import drills
from tlog.http.openapi_login import login
from tlog.http.openapi_subject_access import subject_access
from tlog.http.openapi_words import (
    BINARY,
    NUMBER,
    REF,
    SECURITY_SCHEMES,
    TEXT,
    Schema,
    answer_of,
    operation,
    path,
    query,
    ref,
)
from tlog.http.query import parse_query
from tlog.http.retention import RetentionRunBody
from tlog.http.search_description import search_description, search_schema
from tlog.http.subject_access import ProvedAccess, SubjectAccessBody
from tlog.http.tokens import TokenBody
from tlog.service.intake import MAX_ENTRIES

_ANSWERS: Final = (
    answers.Appended,
    answers.EntryAnswer,
    answers.EntryProblem,
    answers.EntryPage,
    answers.ErasureAnswer,
    answers.ErasurePage,
    answers.RetentionPlan,
    answers.RetentionRun,
    RetentionRunBody,
    answers.HoldList,
    answers.LiftAnswer,
    HoldBody,
    LiftBody,
    answers.ActAnswer,
    answers.ActPage,
    ErasureBody,
    drill_answers.DrillWindowAnswer,
    drill_answers.DrillLogged,
    drill_answers.DrillPage,
    DrillResult,
    Evidence,
    EvidenceBody,
    ProvedAccess,
    SubjectAccessBody,
    answers.InclusionProof,
    answers.ConsistencyProof,
    answers.CheckpointPage,
    answers.Ready,
    answers.AccessPage,
    AccessBody,
    answers_sources.SourceList,
    answers.TokenList,
    answers.TokenAnswer,
    answers.IssuedAnswer,
    TokenBody,
    answers.Problem,
)


class OpenApiRoute:
    """The handler; the document is made once."""

    def __init__(self) -> None:
        self._body = msgspec.json.encode(document())

    async def describe(self, request: web.Request) -> web.Response:
        """Answer `GET /openapi.json`."""
        parse_query(request)
        headers = {"Cache-Control": "public, max-age=300"}
        return web.Response(body=self._body, content_type="application/json", headers=headers)


def document() -> Schema:
    """Return the OpenAPI 3.1 description (https://spec.openapis.org/oas/v3.1.1.html)."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "tlog",
            "version": __version__,
            "summary": "A witnessed transparency log for sealed audit entries",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": SECURITY_SCHEMES,
            "responses": {"Problem": answer_of("A refusal (RFC 9457)", ref("Problem"), problem.MEDIA_TYPE)},
        },
    }


def _paths() -> Schema:
    guarded = _appends() | _reads() | acts() | subject_access() | administration() | drills()
    return guarded | _proofs() | _checkpoints() | _tiles() | login() | _operations()


def _appends() -> Schema:
    entries = {JSON: {"schema": {"oneOf": [ref("Entry"), _array_of_entries()]}}, NDJSON: {"schema": TEXT}}
    stage = {"enum": list(STAGES), "default": "durable"}
    seconds = {**NUMBER, "maximum": MAX_WAIT_SECONDS, "default": DEFAULT_WAIT_SECONDS}
    return {
        "/v1/entries": {
            "post": operation(
                "appendEntries",
                f"Append audit entries, all or none; at most {MAX_ENTRIES} in {MAX_ENTRIES_BODY_BYTES} bytes",
                {
                    "200": answer_of("All were stored already", ref("Appended")),
                    "201": answer_of("Stored, durably", ref("Appended")),
                    "202": answer_of("Stored, but `wait` was not reached in time", ref("Appended")),
                },
                parameters=[
                    query("wait", "how far the entries must be before the answer", stage),
                    query("timeout", "seconds to wait for that", seconds),
                ],
                body=entries,
            ),
            "get": operation(
                "findEntries",
                "Entries that match all filters, newest logged first; a source finds its own",
                {"200": answer_of("One page", ref("EntryPage"))},
                parameters=[query(name, text, schema) for name, text, schema in search_description()],
            ),
        },
        "/v1/entries/search": {
            "post": operation(
                "searchEntries",
                "As GET /v1/entries, with the filters in the body, so that ids of people stay out of URLs",
                {"200": answer_of("One page", ref("EntryPage"))},
                body={JSON: {"schema": search_schema()}},
            )
        },
        "/add": {
            "post": operation(
                "addLeaf",
                f"Append a leaf that its producer sealed: at most {MAX_LEAF_BODY_BYTES} bytes in a log of raw leaves; "
                "32 where `sealed_by_producers` is set, else refused",
                {"200": answer_of("Its index in decimal and a newline", TEXT, "text/plain")},
                body={"application/octet-stream": {"schema": BINARY}},
            )
        },
    }


def _reads() -> Schema:
    index = path("index", "the entry's index, from 0", NUMBER)
    return {
        "/v1/entries/{index}": {
            "get": operation(
                "readEntry",
                "What can still be read of an entry, for its source and for auditors",
                {"200": answer_of("The entry", ref("EntryAnswer"))},
                parameters=[index],
            )
        },
        "/v1/entries/by-id/{id}": {
            "get": operation(
                "readEntryById",
                "As GET /v1/entries/{index}, by the entry's id",
                {"200": answer_of("The entry", ref("EntryAnswer"))},
                parameters=[path("id", "the entry's id", {"type": "string", "format": "uuid"})],
            )
        },
        "/v1/entries/{index}/proof": {
            "get": operation(
                "proofFile",
                "The entry's .tlog-proof file under the newest published checkpoint (c2sp.org/tlog-proof)",
                {"200": answer_of("The file", TEXT, "text/plain")},
                parameters=[index],
            )
        },
        "/v1/entries/{index}/evidence": {
            "get": operation(
                "evidence",
                "A file that proves the entry offline, and between which times it was logged (docs/evidence.md)",
                {"200": _evidence_file()},
                parameters=[
                    index,
                    query("disclose", "fields and groups to show, with commas; `core` (default) or `all`", TEXT),
                    query("redact", "fields and groups not to show", TEXT),
                    query(
                        "format", "`html` is a page that verifies itself", {"enum": list(FORMATS), "default": "json"}
                    ),
                ],
            )
        },
        "/v1/evidence": {
            "post": operation(
                "caseFile",
                f"As GET /v1/entries/{{index}}/evidence, of up to {MAX_FILE_ENTRIES} entries in one file",
                {"200": _evidence_file()},
                body={JSON: {"schema": ref("EvidenceBody")}},
            )
        },
    }


def _evidence_file() -> Schema:
    html = {FORMATS["html"]: {"schema": TEXT}}
    return {"description": "The file", "content": {JSON: {"schema": ref("Evidence")}, **html}}


def _proofs() -> Schema:
    published = "tree size; default: the published one"
    return {
        "/v1/proofs/inclusion": {
            "get": operation(
                "inclusionProof",
                "That a leaf is in a tree (RFC 6962 section 2.1.1)",
                {"200": answer_of("The proof", ref("InclusionProof"))},
                parameters=[
                    query("index", "index of the leaf, from 0", NUMBER, required=True),
                    query("size", published, NUMBER),
                ],
            )
        },
        "/v1/proofs/consistency": {
            "get": operation(
                "consistencyProof",
                "That a tree extends another (RFC 6962 section 2.1.2)",
                {"200": answer_of("The proof", ref("ConsistencyProof"))},
                parameters=[
                    query("from", "size of the smaller tree", NUMBER, required=True),
                    query("to", published, NUMBER),
                ],
            )
        },
    }


def _checkpoints() -> Schema:
    limit = {**NUMBER, "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return {
        "/v1/checkpoints": {
            "get": operation(
                "checkpoints",
                "Every witnessed checkpoint, by size",
                {"200": answer_of("One page", ref("CheckpointPage"))},
                parameters=[
                    query("from", "size to begin at; default: the smallest, or the largest if descending", NUMBER),
                    query("limit", "checkpoints a page", limit),
                    query("order", "by size", {"enum": list(ORDERS), "default": ORDERS[0]}),
                ],
            )
        },
        "/checkpoint": {
            "get": operation(
                "checkpoint",
                "The published checkpoint as a signed note (c2sp.org/tlog-checkpoint)",
                {"200": answer_of("The note", TEXT, "text/plain")},
            )
        },
    }


def _tiles() -> Schema:
    index = path("index", "`[xNNN/…]NNN[.p/width]` as in c2sp.org/tlog-tiles; its slashes are not encoded", TEXT)
    level = path("level", "tile level", {**NUMBER, "maximum": 63})
    found = {"200": answer_of("Its bytes", BINARY, "application/octet-stream")}
    return {
        "/tile/entries/{index}": {
            "get": operation("entryBundle", "An entry bundle, full or partial", found, parameters=[index])
        },
        "/tile/{level}/{index}": {
            "get": operation("tile", "A hash tile, full or partial", found, parameters=[level, index])
        },
    }


def _operations() -> Schema:
    ready = ref("Ready")
    answered = {"200": answer_of("Ready", ready), "503": answer_of("Not ready, and why", ready)}
    return {
        "/healthz": {"get": operation("healthz", "Alive", {"200": answer_of("It is", TEXT, "text/plain")})},
        "/readyz": {"get": operation("readyz", "Whether the log appends and publishes", answered)},
        "/metrics": {
            "get": operation("metrics", "Prometheus metrics", {"200": answer_of("Text format", TEXT, "text/plain")})
        },
        "/openapi.json": {
            "get": operation("openapi", "This document", {"200": answer_of("OpenAPI 3.1", {"type": "object"})})
        },
    }


def _schemas() -> Schema:
    _, schemas = msgspec.json.schema_components((Entry, *_ANSWERS), ref_template=REF + "{name}")
    text = json.dumps(schemas).replace("\\\\Z", "$")
    return dict(json.loads(text))


def _array_of_entries() -> Schema:
    return {"type": "array", "items": ref("Entry"), "minItems": 1, "maxItems": MAX_ENTRIES}

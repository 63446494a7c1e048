"""`GET /openapi.json`: every route, described from the types that the handlers encode and decode.

Schemas come from msgspec's JSON Schema of the entry and of the answers, so what is described is what is
checked. Patterns are Python's; `\\Z` is written `$`, which is what JSON Schema's dialect (ECMA-262) has.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
from aiohttp import web

from tlog import __version__
from tlog.audit.entry import JSON, NDJSON, Entry
from tlog.http import answers, problem
from tlog.http.acts import DEFAULT_LIMIT as ACTS
from tlog.http.acts import KINDS, MAX_NUMBER, STATES
from tlog.http.acts import MAX_LIMIT as MOST_ACTS
from tlog.http.checkpoints import DEFAULT_LIMIT, MAX_LIMIT, ORDERS
from tlog.http.entries import DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS, STAGES
from tlog.http.erasures import ErasureBody
from tlog.http.holds import HoldBody, LiftBody
from tlog.http.limits import MAX_ENTRIES_BODY_BYTES, MAX_LEAF_BODY_BYTES
from tlog.http.openapi_problems import problem_responses
from tlog.http.query import parse_query
from tlog.http.retention import RetentionRunBody
from tlog.http.search_description import search_description, search_schema
from tlog.service.intake import MAX_ENTRIES

Schema = dict[str, Any]

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
    answers.InclusionProof,
    answers.ConsistencyProof,
    answers.CheckpointPage,
    answers.Ready,
    answers.Problem,
)
_REF = "#/components/schemas/"
_BINARY: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_TOKEN: Final[list[Schema]] = [{"bearer": []}]


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
        "paths": _appends() | _reads() | _acts() | _proofs() | _checkpoints() | _tiles() | _operations(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "responses": {"Problem": _answer_of("A refusal (RFC 9457)", _ref("Problem"), problem.MEDIA_TYPE)},
        },
    }


def _appends() -> Schema:
    entries = {JSON: {"schema": {"oneOf": [_ref("Entry"), _array_of_entries()]}}, NDJSON: {"schema": _TEXT}}
    stage = {"enum": list(STAGES), "default": "durable"}
    seconds = {**_NUMBER, "maximum": MAX_WAIT_SECONDS, "default": DEFAULT_WAIT_SECONDS}
    return {
        "/v1/entries": {
            "post": _operation(
                "appendEntries",
                f"Append audit entries, all or none; at most {MAX_ENTRIES} in {MAX_ENTRIES_BODY_BYTES} bytes",
                {
                    "200": _answer_of("All were stored already", _ref("Appended")),
                    "201": _answer_of("Stored, durably", _ref("Appended")),
                    "202": _answer_of("Stored, but `wait` was not reached in time", _ref("Appended")),
                },
                parameters=[
                    _query("wait", "how far the entries must be before the answer", stage),
                    _query("timeout", "seconds to wait for that", seconds),
                ],
                body=entries,
                security=_TOKEN,
            ),
            "get": _operation(
                "findEntries",
                "Entries that match all filters, newest logged first; a source finds its own",
                {"200": _answer_of("One page", _ref("EntryPage"))},
                parameters=[_query(name, text, schema) for name, text, schema in search_description()],
                security=_TOKEN,
            ),
        },
        "/v1/entries/search": {
            "post": _operation(
                "searchEntries",
                "As GET /v1/entries, with the filters in the body, so that ids of people stay out of URLs",
                {"200": _answer_of("One page", _ref("EntryPage"))},
                body={JSON: {"schema": search_schema()}},
                security=_TOKEN,
            )
        },
        "/add": {
            "post": _operation(
                "addLeaf",
                f"Append a leaf that its producer sealed: 32 bytes, or at most {MAX_LEAF_BODY_BYTES} of raw leaves",
                {"200": _answer_of("Its index in decimal and a newline", _TEXT, "text/plain")},
                body={"application/octet-stream": {"schema": _BINARY}},
                security=_TOKEN,
            )
        },
    }


def _reads() -> Schema:
    index = _path("index", "the entry's index, from 0", _NUMBER)
    return {
        "/v1/entries/{index}": {
            "get": _operation(
                "readEntry",
                "What can still be read of an entry, for its source and for auditors",
                {"200": _answer_of("The entry", _ref("EntryAnswer"))},
                parameters=[index],
                security=_TOKEN,
            )
        },
        "/v1/entries/by-id/{id}": {
            "get": _operation(
                "readEntryById",
                "As GET /v1/entries/{index}, by the entry's id",
                {"200": _answer_of("The entry", _ref("EntryAnswer"))},
                parameters=[_path("id", "the entry's id", {"type": "string", "format": "uuid"})],
                security=_TOKEN,
            )
        },
        "/v1/entries/{index}/proof": {
            "get": _operation(
                "proofFile",
                "The entry's .tlog-proof file under the newest published checkpoint (c2sp.org/tlog-proof)",
                {"200": _answer_of("The file", _TEXT, "text/plain")},
                parameters=[index],
            )
        },
    }


def _acts() -> Schema:
    act = _path("id", "the act's id, a UUIDv7", _TEXT)
    done = {"200": _answer_of("The act", _ref("ActAnswer"))}
    limit = {**_NUMBER, "minimum": 1, "maximum": MOST_ACTS, "default": ACTS}
    return {
        "/v1/erasures": {
            "post": _operation(
                "erase",
                "Erase one person, as a data subject or as an actor; for data protection officers",
                {
                    "200": _answer_of("Done, or with dry_run what would be", _ref("ErasureAnswer")),
                    "202": _answer_of("It waits for a second person, or is under way", _ref("ErasureAnswer")),
                },
                body={JSON: {"schema": _ref("ErasureBody")}},
                security=_TOKEN,
            ),
            "get": _operation(
                "erasures",
                "Erasures, newest first; for data protection officers",
                {"200": _answer_of("One page", _ref("ErasurePage"))},
                parameters=[
                    _query("limit", "erasures a page", limit),
                    _query("before", "`next` of the page before", {**_NUMBER, "maximum": MAX_NUMBER}),
                ],
                security=_TOKEN,
            ),
        },
        "/v1/holds": {
            "post": _operation(
                "placeHold",
                "Place a hold; for data protection officers",
                {"201": _answer_of("In force", _ref("HoldAnswer"))},
                body={JSON: {"schema": _ref("HoldBody")}},
                security=_TOKEN,
            ),
            "get": _operation(
                "holds",
                "Holds, oldest first; for data protection officers",
                {"200": _answer_of("The holds", _ref("HoldList"))},
                parameters=[_query("all", "1: also the lifted ones", {"enum": ["0", "1"], "default": "0"})],
                security=_TOKEN,
            ),
        },
        "/v1/holds/lift": {
            "post": _operation(
                "liftHolds",
                "Lift a hold, or all of a case; for data protection officers",
                {
                    "200": _answer_of("Lifted", _ref("LiftAnswer")),
                    "202": _answer_of("Each act waits for a second person", _ref("LiftAnswer")),
                },
                body={JSON: {"schema": _ref("LiftBody")}},
                security=_TOKEN,
            )
        },
        "/v1/retention": {
            "get": _operation(
                "retentionPlan",
                "What expires when; for data protection officers",
                {"200": _answer_of("The plan", _ref("RetentionPlan"))},
                parameters=[_query("until", "a day, default in 90 days", {"type": "string", "format": "date"})],
                security=_TOKEN,
            )
        },
        "/v1/retention/run": {
            "post": _operation(
                "retentionRun",
                "Expire now what is due; for data protection officers",
                {
                    "200": _answer_of("Done", _ref("RetentionRun")),
                    "202": _answer_of("Each act waits for a second person", _ref("RetentionRun")),
                },
                body={JSON: {"schema": _ref("RetentionRunBody")}},
                security=_TOKEN,
            )
        },
        "/v1/acts": {
            "get": _operation(
                "acts",
                "Acts of every kind, newest first; for data protection officers",
                {"200": _answer_of("One page", _ref("ActPage"))},
                parameters=[
                    _query("kind", "only acts of this kind", {"enum": list(KINDS)}),
                    _query("state", "only acts in this state", {"enum": list(STATES)}),
                    _query("limit", "acts a page", limit),
                    _query("before", "`next` of the page before", _NUMBER),
                ],
                security=_TOKEN,
            )
        },
        "/v1/acts/{id}": {
            "get": _operation("act", "How far an act is", done, parameters=[act], security=_TOKEN),
        },
        "/v1/acts/{id}/approve": {
            "post": _operation(
                "approveAct", "As the second person, have it carried out", done, parameters=[act], security=_TOKEN
            ),
        },
        "/v1/acts/{id}/decline": {
            "post": _operation("declineAct", "Have it not carried out", done, parameters=[act], security=_TOKEN),
        },
    }


def _proofs() -> Schema:
    published = "tree size; default: the published one"
    return {
        "/v1/proofs/inclusion": {
            "get": _operation(
                "inclusionProof",
                "That a leaf is in a tree (RFC 6962 section 2.1.1)",
                {"200": _answer_of("The proof", _ref("InclusionProof"))},
                parameters=[
                    _query("index", "index of the leaf, from 0", _NUMBER, required=True),
                    _query("size", published, _NUMBER),
                ],
            )
        },
        "/v1/proofs/consistency": {
            "get": _operation(
                "consistencyProof",
                "That a tree extends another (RFC 6962 section 2.1.2)",
                {"200": _answer_of("The proof", _ref("ConsistencyProof"))},
                parameters=[
                    _query("from", "size of the smaller tree", _NUMBER, required=True),
                    _query("to", published, _NUMBER),
                ],
            )
        },
    }


def _checkpoints() -> Schema:
    limit = {**_NUMBER, "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    return {
        "/v1/checkpoints": {
            "get": _operation(
                "checkpoints",
                "Every witnessed checkpoint, by size",
                {"200": _answer_of("One page", _ref("CheckpointPage"))},
                parameters=[
                    _query("from", "size to begin at; default: the smallest, or the largest if descending", _NUMBER),
                    _query("limit", "checkpoints a page", limit),
                    _query("order", "by size", {"enum": list(ORDERS), "default": ORDERS[0]}),
                ],
            )
        },
        "/checkpoint": {
            "get": _operation(
                "checkpoint",
                "The published checkpoint as a signed note (c2sp.org/tlog-checkpoint)",
                {"200": _answer_of("The note", _TEXT, "text/plain")},
            )
        },
    }


def _tiles() -> Schema:
    index = _path("index", "`[xNNN/…]NNN[.p/width]` as in c2sp.org/tlog-tiles; its slashes are not encoded", _TEXT)
    level = _path("level", "tile level", {**_NUMBER, "maximum": 63})
    found = {"200": _answer_of("Its bytes", _BINARY, "application/octet-stream")}
    return {
        "/tile/entries/{index}": {
            "get": _operation("entryBundle", "An entry bundle, full or partial", found, parameters=[index])
        },
        "/tile/{level}/{index}": {
            "get": _operation("tile", "A hash tile, full or partial", found, parameters=[level, index])
        },
    }


def _operations() -> Schema:
    ready = _ref("Ready")
    answered = {"200": _answer_of("Ready", ready), "503": _answer_of("Not ready, and why", ready)}
    return {
        "/healthz": {"get": _operation("healthz", "Alive", {"200": _answer_of("It is", _TEXT, "text/plain")})},
        "/readyz": {"get": _operation("readyz", "Whether the log appends and publishes", answered)},
        "/metrics": {
            "get": _operation("metrics", "Prometheus metrics", {"200": _answer_of("Text format", _TEXT, "text/plain")})
        },
        "/openapi.json": {
            "get": _operation("openapi", "This document", {"200": _answer_of("OpenAPI 3.1", {"type": "object"})})
        },
    }


def _schemas() -> Schema:
    _, schemas = msgspec.json.schema_components((Entry, *_ANSWERS), ref_template=_REF + "{name}")
    text = json.dumps(schemas).replace("\\\\Z", "$")
    return dict(json.loads(text))


def _operation(  # noqa: PLR0913 - the members of an OpenAPI operation
    name: str,
    summary: str,
    responses: Schema,
    *,
    parameters: list[Schema] | None = None,
    body: Schema | None = None,
    security: list[Schema] | None = None,
) -> Schema:
    operation = {
        "operationId": name,
        "summary": summary,
        "responses": problem_responses(name) | responses | {"default": {"$ref": "#/components/responses/Problem"}},
        "security": security or [],
    }
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _answer_of(description: str, schema: Schema, media_type: str = JSON) -> Schema:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _array_of_entries() -> Schema:
    return {"type": "array", "items": _ref("Entry"), "minItems": 1, "maxItems": MAX_ENTRIES}


def _ref(name: str) -> Schema:
    return {"$ref": _REF + name}


def _query(name: str, description: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema, "required": required}


def _path(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "description": description, "schema": schema, "required": True}

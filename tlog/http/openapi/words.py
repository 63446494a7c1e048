"""What the parts of `/openapi.json` are made of."""

from __future__ import annotations

from typing import Any, Final

from tlog.audit.entry import JSON
from tlog.http.openapi.problems import problem_responses
from tlog.http.rules import RULES, roles_for

Schema = dict[str, Any]

REF = "#/components/schemas/"
BINARY: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
SECURITY_SCHEMES: Final[Schema] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token as `tlog token add` prints it, or a JWT of the log's OpenID Connect provider",
    },
    "certificate": {"type": "mutualTLS", "description": "A client certificate that the log knows; without a bearer"},
}
GUARDED: Final[list[Schema]] = [{name: []} for name in SECURITY_SCHEMES]
"""Any one of these."""


def operation(
    name: str,
    summary: str,
    responses: Schema,
    *,
    parameters: list[Schema] | None = None,
    body: Schema | None = None,
) -> Schema:
    """Return an operation with its answers, its refusals, and who may ask: `x-roles`, by its rule."""
    said: Schema = {
        "operationId": name,
        "summary": summary,
        "responses": problem_responses(name) | responses | {"default": {"$ref": "#/components/responses/Problem"}},
        "security": [],
    }
    if name in RULES:
        said |= {"security": GUARDED, "x-roles": roles_for(RULES[name])}
    if parameters:
        said["parameters"] = parameters
    if body:
        said["requestBody"] = {"required": True, "content": body}
    return said


def answer_of(description: str, schema: Schema, media_type: str = JSON) -> Schema:
    """Return an answer with a body."""
    return {"description": description, "content": {media_type: {"schema": schema}}}


def ref(name: str) -> Schema:
    """Return a reference to a schema."""
    return {"$ref": REF + name}


def query(name: str, description: str, schema: Schema, *, required: bool = False) -> Schema:
    """Return a query parameter."""
    return {"name": name, "in": "query", "description": description, "schema": schema, "required": required}


def path(name: str, description: str, schema: Schema) -> Schema:
    """Return a parameter in the path."""
    return {"name": name, "in": "path", "description": description, "schema": schema, "required": True}

"""Examples for the reference of the HTTP interface: values from schemas, and the `curl` line of an operation. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_DEEP: Final = 6
_BY_NAME: Final[Mapping[str, Any]] = {
    "schema": 1,
    "source": "clinic",
    "seq": 1,
    "id": "e-7",
    "type": "employee",
    "occurred_at": "2026-03-01T09:30:00.000000Z",
    "action": "patient.record.read",
    "purpose": "treatment",
    "subject": "p-4711",
    "legal_basis": "GDPR Art. 17(1)(b)",
    "authorised_by": "Dana Officer",
    "reason": "request of 2026-03-01",
    "case": "2026/17",
    "disclose": ["core"],
    "indices": [17, 18],
}
_BY_SCHEMA: Final[Mapping[str, Any]] = {
    "ErasureBody": {
        "subject": "p-4711",
        "legal_basis": "GDPR Art. 17(1)(b)",
        "authorised_by": "Dana Officer",
    }
}
_IN_PATH: Final = {"index": "17", "id": "0199b3d4-6f00-7a52-9c1e-5a7f0c2d4e61"}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", deep: int = _DEEP) -> Any:
    """Return a value of the form of a schema, its required members only; `name` is the member it is for."""
    if "$ref" in schema:
        target = str(schema["$ref"]).rpartition("/")[2]
        if target in _BY_SCHEMA:
            return _BY_SCHEMA[target]
        return example_of(schemas.get(target, {}), schemas, name, deep - 1) if deep else {}
    for choice in ("oneOf", "anyOf", "allOf"):
        if schema.get(choice):
            return example_of(schema[choice][0], schemas, name, deep)
    if name in _BY_NAME:
        return _BY_NAME[name]
    for said in ("default", "const"):
        if said in schema:
            return schema[said]
    return schema["enum"][0] if schema.get("enum") else _of_type(schema, schemas, deep)


def _of_type(schema: Mapping[str, Any], schemas: Mapping[str, Any], deep: int) -> Any:
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            members = {name: member for name, member in schema.get("properties", {}).items() if name in required}
            return (
                {name: example_of(member, schemas, name, deep - 1) for name, member in members.items()} if deep else {}
            )
        case "array":
            return [example_of(schema.get("items", {}), schemas, "", deep - 1)] if deep else []
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case _:
            return "…"


def curl(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """Return a command that asks for an operation, in lines for a POSIX shell."""
    path = path.replace("/tile/entries/{index}", "/tile/entries/000").replace("/tile/{level}/{index}", "/tile/0/000")
    for name, value in _IN_PATH.items():
        path = path.replace(f"{{{name}}}", value)
    asked = [each for each in operation.get("parameters", ()) if each["in"] == "query" and each.get("required")]
    query = "&".join(f"{each['name']}={example_of(each['schema'], schemas, each['name'])}" for each in asked)
    lines = [f"curl --fail-with-body '$LOG{path}{'?' + query if query else ''}'".replace("'$LOG", '"$LOG"\'')]
    if method != "get":
        lines[0] = lines[0].replace("curl ", f"curl -X {method.upper()} ", 1)
    if operation.get("security"):
        lines.append('-H "Authorization: Bearer $(cat FILE.token)"')
    lines += _body(operation, schemas)
    return " \\\n  ".join(lines)


def _body(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {})
    for kind, said in content.items():
        lines = [f"-H 'Content-Type: {kind}'"]
        if kind.endswith("json"):
            return [*lines, f"-d '{json.dumps(example_of(said['schema'], schemas), ensure_ascii=False)}'"]
        return [*lines, "--data-binary @FILE"]
    return []

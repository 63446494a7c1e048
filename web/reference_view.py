"""The OpenAPI document as the reference page shows it: operations in groups, schemas with their members. Pure.

Whatever the document says is shown: an operation, parameter or schema that is added to it needs no change here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from tlog.http.problem import TYPE_PREFIX
from web.reference_examples import curl

_GROUPS: Final = (
    ("/v1/entries", "Entries"),
    ("/add", "Entries"),
    ("/v1/evidence", "Evidence"),
    ("/v1/proofs", "Proofs and checkpoints"),
    ("/v1/checkpoints", "Proofs and checkpoints"),
    ("/checkpoint", "Proofs and checkpoints"),
    ("/tile", "Tiles"),
    ("/v1/erasures", "Data protection"),
    ("/v1/holds", "Data protection"),
    ("/v1/retention", "Data protection"),
    ("/v1/acts", "Data protection"),
    ("/v1/", "More"),
)
_LAST: Final = "Operation"
_LIMITS: Final = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("pattern", "matches {}"),
    ("format", "{}"),
    ("contentEncoding", "{}"),
    ("default", "default {}"),
    ("const", "always {}"),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema in words: `kinds` as (words, name of a schema to link to), limits, allowed values, text, members."""

    kinds: tuple[tuple[str, str | None], ...]
    limits: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    text: str = ""
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object, or a parameter of an operation."""

    name: str
    required: bool
    shape: Shape
    text: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, its name, what it means, bodies by media type, and the problem types of a refusal."""

    status: str
    phrase: str
    text: str
    bodies: tuple[tuple[str, Shape], ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    name: str
    method: str
    path: str
    summary: str
    token: bool
    parameters: tuple[Member, ...]
    bodies: tuple[tuple[str, Shape], ...]
    answers: tuple[Reply, ...]
    refusals: tuple[Reply, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole document: operations by group, schemas by name, and what is said of the interface."""

    title: str
    version: str
    groups: tuple[tuple[str, tuple[Operation, ...]], ...]
    schemas: tuple[tuple[str, Shape], ...]


def reference(document: Mapping[str, Any]) -> Reference:
    """Return the view of an OpenAPI 3.1 document."""
    schemas = document["components"]["schemas"]
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(_group(path), []).append(_operation(method, path, operation, schemas))
    order = [*dict.fromkeys(title for _, title in _GROUPS), _LAST]
    return Reference(
        title=document["info"]["title"],
        version=document["info"]["version"],
        groups=tuple((title, tuple(groups[title])) for title in order if title in groups),
        schemas=tuple((name, _shape(schema)) for name, schema in sorted(schemas.items())),
    )


def _group(path: str) -> str:
    return next((title for start, title in _GROUPS if path.startswith(start)), _LAST)


def _operation(method: str, path: str, said: Mapping[str, Any], schemas: Mapping[str, Any]) -> Operation:
    replies = [_reply(status, reply) for status, reply in said["responses"].items() if status != "default"]
    return Operation(
        name=said["operationId"],
        method=method,
        path=path,
        summary=said["summary"],
        token=bool(said.get("security")),
        parameters=tuple(map(_parameter, said.get("parameters", ()))),
        bodies=_bodies(said.get("requestBody", {})),
        answers=tuple(reply for reply in replies if not reply.problems),
        refusals=tuple(reply for reply in replies if reply.problems),
        curl=curl(method, path, said, schemas),
    )


def _parameter(said: Mapping[str, Any]) -> Member:
    text = said.get("description", "")
    return Member(said["name"], said.get("required", False), _shape(said["schema"]), text, said["in"])


def _bodies(said: Mapping[str, Any]) -> tuple[tuple[str, Shape], ...]:
    return tuple((kind, _shape(content.get("schema", {}))) for kind, content in said.get("content", {}).items())


def _reply(status: str, said: Mapping[str, Any]) -> Reply:
    problems = tuple(
        slug.removeprefix(TYPE_PREFIX)
        for content in said.get("content", {}).values()
        for part in content.get("schema", {}).get("allOf", ())
        for slug in part.get("properties", {}).get("type", {}).get("enum", ())
    )
    phrase = HTTPStatus(int(status)).phrase if status.isdecimal() else status
    return Reply(status, phrase, said.get("description", ""), () if problems else _bodies(said), problems)


def _shape(schema: Mapping[str, Any]) -> Shape:
    choices = [_shape(each) for key in ("oneOf", "anyOf", "allOf") for each in schema.get(key, ())]
    values = tuple(str(value) for value in schema.get("enum", ()))
    return Shape(
        kinds=tuple(dict.fromkeys(kind for shape in choices for kind in shape.kinds)) or _kinds(schema),
        limits=(*_limits(schema), *(limit for shape in choices for limit in shape.limits)),
        values=(*values, *(value for shape in choices for value in shape.values)),
        text=schema.get("description", ""),
        members=(*_members(schema), *(member for shape in choices for member in shape.members)),
    )


def _kinds(schema: Mapping[str, Any]) -> tuple[tuple[str, str | None], ...]:
    if "$ref" in schema:
        return (("", _target(schema)),)
    kind = schema.get("type", "" if "enum" in schema or "const" in schema else "any value")
    if isinstance(kind, list):
        return tuple((each, None) for each in kind)
    if kind == "array":
        items = _shape(schema.get("items", {})).kinds
        return tuple((f"list of {words}".strip(), link) for words, link in items)
    return ((kind, None),)


def _members(schema: Mapping[str, Any]) -> tuple[Member, ...]:
    required = schema.get("required", ())
    return tuple(Member(name, name in required, _shape(said)) for name, said in schema.get("properties", {}).items())


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    for key, words in _LIMITS:
        if key in schema and not (key == "maximum" and schema[key] == 2**63 - 1):
            yield words.format(schema[key])


def _target(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]

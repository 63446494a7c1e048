from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.http.service import Service
from tests.support import entry_document
from tlog.http.answers.answer import Answer
from tlog.http.answers.entries import EntryAnswer
from tlog.http.answers.problem import Problem
from tlog.http.answers.proofs import CheckpointPage, ConsistencyProof, InclusionProof, Ready
from tlog.http.openapi.document import document
from tlog.http.openapi.problems import _OF
from tlog.http.openid import CALLBACK
from tlog.http.problem import KINDS, TYPE_PREFIX
from tlog.storage.roles import Role
from tlog.storage.token_store import NewToken


def routes(service: Service) -> set[tuple[str, str]]:
    """Every registered route; HEAD comes with GET."""
    found = set()
    for route in service.app.router.routes():
        assert route.resource is not None
        if route.method != "HEAD":
            found.add((route.method.lower(), route.resource.canonical))
    return found


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


async def test_every_route_is_described_and_every_described_route_exists(service: Service) -> None:
    assert {(method, path) for method, path, _ in operations()} == routes(service)


async def test_the_document_is_served(service: Service) -> None:
    answer = await service.get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == msgspec.json.decode(msgspec.json.encode(document()))
    assert answer.json()["openapi"].startswith("3.1.")


def test_every_reference_leads_somewhere() -> None:
    made = document()
    found = list(references(made))
    assert "#/components/schemas/Entry" in found
    for reference in found:
        at: Any = made
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def test_operations_are_whole() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    for method, path, operation in operations():
        parameters = operation.get("parameters", [])
        in_path = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        says_all = path.endswith(("/approve", "/decline", "/revoke"))
        assert ("requestBody" in operation) is (method == "post" and not says_all)
        assert "default" in operation["responses"]


def test_every_problem_type_is_an_answer_of_some_operation() -> None:
    said = {
        problem
        for _, _, operation in operations()
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        for part in content["schema"].get("allOf", ())
        for problem in part.get("properties", {}).get("type", {}).get("enum", ())
    }
    assert said == {TYPE_PREFIX + kind.slug for kind in KINDS.values()}
    assert set(_OF) <= {operation["operationId"] for _, _, operation in operations()}


def test_patterns_are_those_of_json_schema() -> None:
    """Python's `\\Z` means nothing in ECMA-262."""
    assert b"\\\\Z" not in msgspec.json.encode(document())


async def test_query_parameters_are_those_that_are_taken(service: Service) -> None:
    """A described parameter is not refused as unknown; any other is, but where a specification wants it ignored."""
    everything = NewToken("all", frozenset(Role) - {Role.WRITER})
    officer = service.made.log.tokens.issue(everything)[1]
    for method, path, operation in operations():
        if path == CALLBACK:  # RFC 6749 section 4.1.2
            continue
        concrete = path.replace("{index}", "000").replace("{level}", "0").replace("{id}", "x")
        known = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
        token = service.token if operation["operationId"] in {"addLeaf", "appendEntries"} else officer
        for name in [*known, "unheard-of"]:
            answer = await service.ask(method.upper(), f"{concrete}?{name}=1", token=token)
            refused = b"is not known here" in answer.body
            assert refused is (name == "unheard-of"), (method, path, name, answer)


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("/v1/entries/0", EntryAnswer),
        ("/v1/proofs/inclusion?index=0", InclusionProof),
        ("/v1/proofs/consistency?from=0", ConsistencyProof),
        ("/v1/checkpoints", CheckpointPage),
        ("/readyz", Ready),
        ("/nope", Problem),
    ],
)
async def test_answers_are_what_is_described(service: Service, path: str, schema: type[Answer]) -> None:
    await service.append(entry_document(), "/v1/entries?wait=witnessed")
    answer = await service.get(path, service.auditor)
    described = document()["components"]["schemas"][schema.__name__]
    assert set(described["required"]) <= set(answer.json()) <= set(described["properties"])
    msgspec.json.decode(answer.body, type=schema)

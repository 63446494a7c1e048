from __future__ import annotations

from typing import Any

from tlog.http.openapi.document import document
from web.reference_view import Reference, reference


def shown() -> Reference:
    return reference(document())


def test_every_operation_is_shown_once() -> None:
    found = sorted((op.method, op.path) for _, group in shown().groups for op in group)
    described = sorted((method, path) for path, methods in document()["paths"].items() for method in methods)
    assert found == described


def test_every_problem_type_of_an_operation_is_named() -> None:
    by_name = {op.name: op for _, group in shown().groups for op in group}
    assert "entry-invalid" in {slug for reply in by_name["appendEntries"].refusals for slug in reply.problems}
    for methods in document()["paths"].values():
        for said in methods.values():
            statuses = {
                reply.status
                for reply in (*by_name[said["operationId"]].answers, *by_name[said["operationId"]].refusals)
            }
            assert statuses == set(said["responses"]) - {"default"}


def test_every_link_leads_to_a_schema_that_is_shown() -> None:
    made = shown()
    names = {name for name, _ in made.schemas}
    links = {link for _, shape in made.schemas for member in shape.members for _, link in member.shape.kinds if link}
    assert links <= names
    assert "FaultAnswer" in links


def test_an_operation_that_is_added_to_the_document_is_shown_without_a_change_here() -> None:
    made: dict[str, Any] = document()
    made["paths"]["/v1/new-thing"] = {"get": made["paths"]["/healthz"]["get"] | {"operationId": "newThing"}}
    assert "newThing" in [op.name for title, group in reference(made).groups if title == "More" for op in group]


def test_an_example_names_the_method_the_token_and_a_body() -> None:
    by_name = {op.name: op for _, group in shown().groups for op in group}
    assert by_name["healthz"].curl == "curl --fail-with-body \"$LOG\"'/healthz'"
    lines = by_name["appendEntries"].curl.split(" \\\n  ")
    assert lines[0].startswith("curl -X POST")
    assert "Authorization: Bearer" in lines[1]
    assert '"seq": 1' in lines[3]

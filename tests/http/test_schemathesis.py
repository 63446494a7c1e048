"""A real served log answers what `/openapi.json` says, whatever is sent that keeps to it, and some that does not.

schemathesis makes the requests from the served document. An answer must be no 5xx, of a status that is described for
the operation itself, of a described media type, and its body must keep to the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.http.service import PATHS
from tests.support import entry_document
from tests.town import Town, town
from tlog.cli.data_folder import open_log_database
from tlog.http import problem
from tlog.service.log import now_us
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import NewToken, TokenStore

pytestmark = pytest.mark.processes
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CASES: Final = 10
"""Requests of each operation that keep to the document, and as many that don't, by somebody of all roles."""
OF_ROLES: Final = 2
"""How many of these each role sends as well."""
SETTINGS: Final = settings(
    max_examples=CASES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
OPERATIONS: Final = [(method.upper(), path) for path, said in PATHS.items() for method in said]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A served log with an entry at index 0, that refuses nobody for asking too often."""
    limits = {"requests_per_second": 1e6, "request_burst": 1_000_000}
    with town(tmp_path_factory.mktemp("fuzzed"), 0, None, sealed_by_producers=True, **limits) as made:
        made.append(_line(), "?wait=witnessed")
        yield made


@pytest.fixture(scope="module")
def tokens(place: Town) -> dict[str, str]:
    """Tokens by what their holder is; `all` has every role."""
    made = {"all": frozenset(Role)} | {role.value: frozenset({role}) for role in Role}
    with open_log_database(place.log_folder) as database:
        store = TokenStore(database, now_us)
        return {who: store.issue(NewToken(who, roles, _scope(roles)))[1] for who, roles in made.items()}


@pytest.fixture(scope="module")
def schema(place: Town) -> Any:
    return schemathesis.openapi.from_url(f"{place.log.url}/openapi.json")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_a_described_one(
    place: Town, tokens: dict[str, str], schema: Any, method: str, path: str
) -> None:
    operation = schema[path][method]
    sent = [fuzz(operation, mode, place.log.url, tokens) for mode in GenerationMode]
    assert sent[0] > 0, "nothing keeps to the document"


def fuzz(operation: Any, mode: GenerationMode, url: str, tokens: dict[str, str]) -> int:
    """Send requests of an operation and judge the answers; return how many. Some operations can't be asked wrongly."""
    asked: list[str] = []

    @SETTINGS
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        for who in tokens if len(asked) < OF_ROLES * len(tokens) else ["all"]:
            asked.append(who)
            judge(case, case.call(base_url=url, headers={"Authorization": f"Bearer {tokens[who]}"}))

    try:
        send()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE
    return len(asked)


def judge(case: Case, answer: Any) -> None:
    case.validate_response(answer, checks=CHECKS)
    if answer.headers["content-type"][0].startswith(problem.MEDIA_TYPE):
        slug = answer.json()["type"].removeprefix(problem.TYPE_PREFIX)
        described = case.operation.definition.raw["responses"]
        assert str(answer.status_code) in described, (case, answer.status_code, slug)


def _scope(roles: frozenset[Role]) -> RowScope:
    return RowScope(frozenset({"clinic"})) if Role.WRITER in roles else RowScope()


def _line() -> bytes:
    return json.dumps(entry_document()).encode()

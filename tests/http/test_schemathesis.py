"""A real served log answers what `/openapi.json` says, whatever is sent that keeps to it, and some that does not.

schemathesis makes the requests from the served document. An answer must be no 5xx, of a status that is described for
the operation itself, of a described media type, and its body must keep to the schema.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import requests
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

from tests.http.examples import EXAMPLES, SETTINGS, Ask, Things
from tests.http.service import PATHS
from tests.http.who_may import NO_OWN
from tests.support import entry_document
from tests.town import Town, town
from tlog.cli.data_folder import open_log_database
from tlog.http import problem
from tlog.service.log_parts import now_us
from tlog.storage.roles import Role, RowScope
from tlog.storage.token_store import NewToken, TokenStore

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("schemathesis")]
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CASES: Final = 6
"""Requests of each operation that keep to the document, and as many that don't, by a writer and by who has all else."""
MAX_URL: Final = 8_000
"""A longer one is no request at all: it is refused before anybody knows what it asks."""
OF_ROLES: Final = 1
"""How many of these each role sends as well."""
GENERATED: Final = settings(
    max_examples=CASES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
FULL_TILE: Final = 256
OPERATIONS: Final = [(method.upper(), path) for path, said in PATHS.items() for method in said]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A served log with a full tile of entries, that refuses nobody for asking too often."""
    limits = {"requests_per_second": 1e6, "request_burst": 1_000_000}
    with town(tmp_path_factory.mktemp("fuzzed"), 0, None, **SETTINGS, **limits) as made:
        made.append(b"\n".join(_line() for _ in range(FULL_TILE)), "?wait=witnessed")
        yield made


@pytest.fixture(scope="module")
def tokens(place: Town) -> dict[str, str]:
    """Tokens by what their holder is; `all` has every role but a writer's, who is limited."""
    made = {"all": frozenset(Role) - {Role.WRITER}} | {role.value: frozenset({role}) for role in Role}
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

    @GENERATED
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        for who in tokens if len(asked) < OF_ROLES * len(tokens) else ["all", "writer"]:
            asked.append(who)
            judge(case, case.call(base_url=url, headers={"Authorization": f"Bearer {tokens[who]}"}))

    try:
        send()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE
    return len(asked)


def judge(case: Case[Any], answer: Any) -> None:
    if len(answer.request.url) > MAX_URL:
        assert answer.status_code == 400
        return
    case.validate_response(answer, checks=CHECKS)
    if answer.headers["content-type"][0].startswith(problem.MEDIA_TYPE):
        slug = answer.json()["type"].removeprefix(problem.TYPE_PREFIX)
        described = case.operation.definition.raw["responses"]
        assert str(answer.status_code) in described, (case, answer.status_code, slug)


def test_answers_to_good_requests_keep_to_their_schemas(place: Town, tokens: dict[str, str], schema: Any) -> None:
    """What is made up finds no entry, token or act: here is one of each."""
    things = Things(sender(place), "", place.token, tokens["dpo"], tokens["admin"], spare(place))
    asyncio.run(things.hold())
    [entry] = place.append(_line(), "?wait=witnessed")
    things.entry = str(entry["id"])
    for path, said in PATHS.items():
        for method, operation in said.items():
            name = operation["operationId"]
            who = place.token if name in NO_OWN else tokens["all"]
            sent = asyncio.run(things.path(EXAMPLES[name], "dpo"))
            answer = ask(place, (method.upper(), sent), EXAMPLES[name].data(), who, EXAMPLES[name].kind)
            assert answer.status_code // 100 == EXAMPLES[name].status // 100, (name, answer.text)
            schema[path][method].Case().validate_response(answer, checks=CHECKS)


def sender(place: Town) -> Ask:
    """Return what sends a request to the log."""

    async def send(method: str, path: str, data: bytes | None, token: str | None, kind: str) -> tuple[int, bytes]:
        answer = ask(place, (method, path), data, token, kind)
        return answer.status_code, answer.content

    return send


def ask(place: Town, what: tuple[str, str], data: bytes | None, token: str | None, kind: str) -> requests.Response:
    headers = {"Content-Type": kind, "Authorization": f"Bearer {token}"}
    url = place.log.url + what[1]
    return requests.request(what[0], url, data=data, headers=headers, timeout=60, allow_redirects=False)


def spare(place: Town) -> Callable[[], str]:
    def issue() -> str:
        with open_log_database(place.log_folder) as database:
            return TokenStore(database, now_us).issue(NewToken("spare", frozenset({Role.READER})))[0].token_id

    return issue


def _scope(roles: frozenset[Role]) -> RowScope:
    return RowScope(frozenset({"clinic"})) if Role.WRITER in roles else RowScope()


def _line() -> bytes:
    return json.dumps(entry_document()).encode()

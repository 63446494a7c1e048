"""docs/access.md: its roles, operations and actions are those that the tests expect, and those of the program."""

from __future__ import annotations

import re

from tests.docs.pages import page
from tests.http.service import PATHS
from tests.http.who_may import ACTED, EXPECTED, NO_OWN
from tlog.http.rules import PUBLIC, RULES, roles_for
from tlog.storage.roles import Role

ACCESS = page("docs/access.md")
ROLES = ("writer", "reader", "auditor", "dpo", "admin")
TABLE = [cells for cells in ACCESS.rows() if len(cells) == 9 and cells[0] != "operation"]


def test_the_roles_are_those_of_the_program() -> None:
    assert set(ROLES) == {role.value for role in Role}
    described = [cells[0] for cells in ACCESS.rows() if len(cells) == 2 and cells[0] != "role"]
    assert described == list(ROLES)


def test_who_may_ask_what_is_what_the_tests_expect_and_what_the_program_does() -> None:
    said = {cells[0].strip("`"): (roles_of(cells), cells[7].strip("`")) for cells in TABLE}
    assert said == {name: (set(may.roles.split()), may.action) for name, may in EXPECTED.items()}
    assert said == {name: (set(roles_for(rule)), rule.action) for name, rule in RULES.items()}


def test_the_routes_are_those_that_are_served() -> None:
    served = {said["operationId"]: (method, path) for path, each in PATHS.items() for method, said in each.items()}
    for name, route, *_ in TABLE:
        method, path = served[name.strip("`")]
        assert route == f"`{method.upper()} {path}`"
    [anybody] = re.findall(r"^Anybody may ask (.+)\.$", ACCESS.text, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", anybody)) == set(PUBLIC) == set(served) - set(EXPECTED)


def test_what_is_carried_out_is_logged_as_it_is_said() -> None:
    said = {cells[0].strip("`"): cells[8] for cells in TABLE}
    assert {name: said[name].strip("`") for name in ACTED} == ACTED
    assert {name for name in said if said[name].endswith("itself") or said[name].endswith("themselves")} == NO_OWN


def roles_of(cells: list[str]) -> set[str]:
    assert set(cells[2:7]) <= {"yes", ""}
    return {role for role, cell in zip(ROLES, cells[2:7], strict=True) if cell}

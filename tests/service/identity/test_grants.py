from __future__ import annotations

import pytest

from tlog.errors import ConfigurationInvalid, NoRole
from tlog.service.identity.grants import ROLES, RoleRule, grants_of
from tlog.service.identity.identity import Identity

TABLE = {
    "log-auditors": RoleRule("auditor"),
    "clinic": RoleRule("reader", ("clinic",), ("standard",)),
    "clinic-too": RoleRule("reader", ("clinic",), ("standard",)),
    "shop": RoleRule("reader", ("shop",)),
}


def somebody(*groups: str) -> Identity:
    return Identity("https://id.example", "s", "Ada", None, groups, 0)


def test_each_rule_is_granted_once_and_nothing_else() -> None:
    assert grants_of(somebody("shop", "x", "clinic-too", "clinic"), TABLE) == (TABLE["clinic"], TABLE["shop"])


@pytest.mark.parametrize("groups", [(), ("x",), ("Log-Auditors",), ("log-auditors ",), ("auditor",)])
def test_without_a_role_there_is_nothing(groups: tuple[str, ...]) -> None:
    with pytest.raises(NoRole, match=r"\[oidc\.roles\]") as caught:
        grants_of(somebody(*groups), TABLE)
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_may_be_narrowed(role: str) -> None:
    RoleRule(role, ("clinic",), ("standard",)).check("x")


@pytest.mark.parametrize(
    ("value", "rule", "said"),
    [
        ("", RoleRule("auditor"), "empty value"),
        ("x", RoleRule("root"), "none of writer, reader, auditor, dpo, admin"),
        ("x", RoleRule("writer"), "needs sources"),
        ("x", RoleRule("writer", (), None), "empty list"),
        ("x", RoleRule("reader", None, ()), "empty list"),
    ],
)
def test_rules_that_cannot_be_meant(value: str, rule: RoleRule, said: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=said):
        rule.check(value)

from __future__ import annotations

import pytest

from tlog.errors import ConfigurationInvalid, NoRole
from tlog.service.identity.grants import RoleRule, grants_of, principal_of
from tlog.service.identity.identity import Identity
from tlog.storage.roles import Role, RowScope

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


@pytest.mark.parametrize("role", Role)
def test_every_role_may_be_narrowed(role: str) -> None:
    RoleRule(role, ("clinic",), ("standard",)).check("x")


@pytest.mark.parametrize(
    ("value", "rule", "said"),
    [
        ("", RoleRule("auditor"), "empty value"),
        ("x", RoleRule("root"), "none of writer, reader, auditor, dpo, admin"),
        ("x", RoleRule("writer"), "needs sources"),
        ("x", RoleRule("writer", ("clinic", "tlog")), "reserved"),
        ("x", RoleRule("writer", (), None), "empty list"),
        ("x", RoleRule("reader", None, ()), "empty list"),
    ],
)
def test_rules_that_cannot_be_meant(value: str, rule: RoleRule, said: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=said):
        rule.check(value)


def scope(sources: str | None, classes: str | None = None, own: bool = False) -> RowScope:
    parts = (None if names is None else frozenset(names.split()) for names in (sources, classes))
    return RowScope(*parts, own=own)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("rules", "roles", "expected"),
    [
        ([RoleRule("auditor")], {"auditor"}, scope(None, own=True)),
        ([RoleRule("reader")], {"reader"}, scope(None)),
        ([RoleRule("reader", ("a",)), RoleRule("reader", ("b",))], {"reader"}, scope("a b")),
        ([RoleRule("reader", ("a",)), RoleRule("reader")], {"reader"}, scope(None)),
        ([RoleRule("reader"), RoleRule("reader", ("a",))], {"reader"}, scope(None)),
        ([RoleRule("reader", ("a",), ("x",)), RoleRule("reader", ("a",), ("y",))], {"reader"}, scope("a", "x y")),
        ([RoleRule("reader", ("a",), ("x",)), RoleRule("reader", ("a", "b"))], {"reader"}, scope("a b")),
        ([RoleRule("auditor"), RoleRule("writer", ("a",))], {"auditor", "writer"}, scope("a")),
        ([RoleRule("reader", ("a", "b")), RoleRule("writer", ("b", "c"))], {"reader", "writer"}, scope("b")),
        ([RoleRule("admin"), RoleRule("reader", None, ("x",))], {"admin", "reader"}, scope(None, "x")),
    ],
)
def test_what_several_groups_give_together(rules: list[RoleRule], roles: set[str], expected: RowScope) -> None:
    table = {f"g{number}": rule for number, rule in enumerate(rules)}
    principal = principal_of(somebody(*table), table)
    assert principal.roles == roles
    assert principal.scope == expected


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([RoleRule("reader", ("a",), ("x",)), RoleRule("reader", ("b",), ("y",))], "do not add up"),
        ([RoleRule("reader", ("a",)), RoleRule("reader", None, ("y",))], "do not add up"),
        ([RoleRule("reader", ("a",)), RoleRule("writer", ("b",))], "no entry is one"),
    ],
)
def test_what_would_be_wider_than_any_group_is_refused(rules: list[RoleRule], said: str) -> None:
    table = {f"g{number}": rule for number, rule in enumerate(rules)}
    with pytest.raises(NoRole, match=said):
        principal_of(somebody(*table), table)


def test_a_principal_is_called_by_its_subject_and_known_by_issuer_and_subject() -> None:
    table = {"g": RoleRule("auditor")}
    principal = principal_of(somebody("g"), table)
    assert (principal.kind, principal.name, len(principal.id)) == ("user", "s", 16)
    elsewhere = Identity("https://other.example", "s", None, None, ("g",), 0)
    assert principal_of(elsewhere, table).id != principal.id

"""The whole table of roles and rights, spelt out; changing it means changing it here too."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from tlog.errors import Forbidden
from tlog.service.principal import RIGHTS, Principal, Right, of_token, scope_of
from tlog.storage.roles import EVERYTHING, OWN_SOURCE, Role, RowScope
from tlog.storage.token_store import Token

EXPECTED = {
    "writer": {"append entries", "read entries"},
    "reader": {"read entries"},
    "auditor": {"read entries", "take evidence away", "see who read what", "see sources and drills"},
    "dpo": {
        *("read entries", "take evidence away", "see who read what", "see sources and drills"),
        "erase, hold and let expire",
        "give a data subject their entries",
    },
    "admin": {"see sources and drills", "manage tokens and roles"},
}
SHOP = RowScope(frozenset({"shop"}), own=False)


def somebody(*roles: Role, scope: RowScope = EVERYTHING) -> Principal:
    return Principal("token", "0a1b2c3d", "jane", frozenset(roles), scope)


def test_the_table_says_this_and_nothing_else() -> None:
    assert {str(role): {str(right) for right in rights} for role, rights in RIGHTS.items()} == EXPECTED
    assert set(RIGHTS) == set(Role)
    assert set(chain(*RIGHTS.values())) == set(Right)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("right", Right)
def test_one_role_may_what_the_table_says(role: Role, right: Right) -> None:
    allowed = str(right) in EXPECTED[role]
    assert somebody(role).may(right) is allowed
    if allowed:
        somebody(role).require(right)
        return
    with pytest.raises(Forbidden, match=f"the right to {right}, which .* ha(ve|s); you are {role}$"):
        somebody(role).require(right)


def test_several_roles_have_the_rights_of_all_of_them_and_no_more() -> None:
    for count in range(len(Role) + 1):
        for roles in combinations(Role, count):
            wanted = set().union(*(EXPECTED[role] for role in roles))
            assert {str(right) for right in Right if somebody(*roles).may(right)} == wanted, roles


def test_nobody_who_appends_or_reads_manages_access_by_that_alone() -> None:
    for role in set(Role) - {Role.ADMIN}:
        assert not somebody(role).may(Right.ADMINISTER)
    assert not somebody(Role.ADMIN).may(Right.READ)
    assert not somebody(Role.ADMIN).may(Right.PROVE)


def test_one_of_several_rights_is_enough_and_none_is_not() -> None:
    somebody(Role.ADMIN).require(Right.PROTECT, Right.ADMINISTER)
    with pytest.raises(Forbidden, match=r"erase, hold and let expire or manage tokens and roles, which admin and dpo"):
        somebody(Role.AUDITOR).require(Right.PROTECT, Right.ADMINISTER)
    with pytest.raises(Forbidden, match="you are no role"):
        somebody().require(Right.READ)


@pytest.mark.parametrize("role", Role)
def test_only_who_may_see_who_read_what_finds_the_logs_own_entries(role: Role) -> None:
    own = role in {Role.AUDITOR, Role.DPO}
    assert scope_of({role}, EVERYTHING).own is own
    assert scope_of({role}, EVERYTHING).covers(OWN_SOURCE, "standard") is own
    assert of_token(Token("id", "jane", frozenset({role}))).scope.own is own


@pytest.mark.parametrize(
    ("scope", "source", "retention", "covered"),
    [
        (EVERYTHING, "shop", "standard", True),
        (EVERYTHING, "tlog", "standard", True),
        (SHOP, "shop", "standard", True),
        (SHOP, "clinic", "standard", False),
        (SHOP, "tlog", "standard", False),
        (RowScope(frozenset({"tlog"}), own=False), "tlog", "standard", False),
        (RowScope(frozenset({"shop"})), "tlog", "standard", False),
        (RowScope(None, frozenset({"long"})), "shop", "long", True),
        (RowScope(None, frozenset({"long"})), "shop", "standard", False),
        (RowScope(frozenset({"shop"}), frozenset({"long"})), "shop", "standard", False),
        (RowScope(frozenset({"shop"}), frozenset({"long"})), "clinic", "long", False),
        (RowScope(frozenset()), "shop", "long", False),
    ],
)
def test_a_scope_covers(scope: RowScope, source: str, retention: str, covered: bool) -> None:
    assert scope.covers(source, retention) is covered


def test_a_scope_is_said_in_words() -> None:
    assert str(EVERYTHING) == "everything"
    assert str(RowScope(frozenset({"b", "a"}), frozenset({"long"}))) == "sources a, b and classes long"


def test_the_log_calls_somebody_by_name_and_says_who_vouched() -> None:
    actor = somebody(Role.DPO).actor("Dana Officer")
    assert (actor.type, actor.id, actor.name) == ("token", "jane", "Dana Officer")
    user = Principal("user", "u-1", "jane@example.com", frozenset({Role.DPO})).actor()
    assert (user.type, user.id, user.name) == ("tlog-user", "jane@example.com", None)


@pytest.mark.parametrize("scope", [RowScope(frozenset({"shop"})), RowScope(None, frozenset({"short"}))])
@pytest.mark.parametrize(("role", "right"), [(Role.DPO, Right.PROTECT), (Role.ADMIN, Right.ADMINISTER)])
def test_who_is_limited_to_some_rows_reaches_no_others(scope: RowScope, role: Role, right: Right) -> None:
    """An erasure, or a token for everything, would reach beyond them; the rest of the role's rights stay."""
    limited = somebody(role, scope=scope)
    with pytest.raises(Forbidden, match=f"you are {role}, limited to"):
        limited.require(right)
    limited.require(Right.OVERSEE)
    assert not scope_of(limited.roles, scope).own

from __future__ import annotations

from typing import Any

import pytest

from tests.service.identity.signer import id_claims
from tlog.errors import TokenInvalid
from tlog.service.identity.claims import MAX_GROUPS, at_path, groups_of, identity_of, text_at


@pytest.mark.parametrize(
    ("claims", "path", "groups"),
    [
        ({"groups": ["a", "b", "a"]}, "groups", ("a", "b")),
        ({"groups": "a"}, "groups", ("a",)),
        ({"groups": ["a", 7, None, ["b"]]}, "groups", ("a",)),
        ({"groups": 7}, "groups", ()),
        ({"groups": None}, "groups", ()),
        ({}, "groups", ()),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ("a",)),
        ({"realm_access": ["roles"]}, "realm_access.roles", ()),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles.x", ()),
        ({"https://a.example/roles": ["a"]}, "https://a.example/roles", ("a",)),
        ({"urn:roles": {"admin": {"1": "x"}, "dpo": {}}}, "urn:roles", ("admin", "dpo")),
        ({"a.b": ["whole"], "a": {"b": ["path"]}}, "a.b", ("whole",)),
    ],
)
def test_groups(claims: dict[str, Any], path: str, groups: tuple[str, ...]) -> None:
    assert groups_of(claims, path) == groups


def test_too_many_groups() -> None:
    assert len(groups_of({"groups": [str(number) for number in range(MAX_GROUPS)]}, "groups")) == MAX_GROUPS
    with pytest.raises(TokenInvalid, match="over 1000 groups"):
        groups_of({"groups": [str(number) for number in range(MAX_GROUPS + 1)]}, "groups")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Ada", "Ada"),
        (" Ada\r\n\x1b[31m ", "Ada[31m"),
        ("Zoë \u202ex", "Zoë x"),
        ("x" * 1000, "x" * 256),
        ("\x00", None),
        ("", None),
        (7, None),
        (["Ada"], None),
    ],
)
def test_a_text_to_show(value: Any, shown: str | None) -> None:
    assert text_at({"name": value}, "name") == shown


def test_a_path_leads_through_objects_only() -> None:
    assert at_path({"a": {"b": {"c": 1}}}, "a.b.c") == 1
    assert at_path({"a": "text"}, "a.b") is None


def test_nothing_personal_is_printed() -> None:
    identity = identity_of(id_claims(name="Ada", email="ada@x.example", sub="s-77"), "name", "groups", 1, None)
    assert (identity.name, identity.email, identity.subject) == ("Ada", "ada@x.example", "s-77")
    assert not {"Ada", "ada@x.example", "s-77"} & set(repr(identity).split("'"))


def test_auth_time_is_a_time() -> None:
    assert identity_of(id_claims(auth_time=5.9), "name", "groups", 1, None).authenticated_at == 5
    with pytest.raises(TokenInvalid, match="auth_time"):
        identity_of(id_claims(auth_time="now"), "name", "groups", 1, None)

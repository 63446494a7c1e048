from __future__ import annotations

from typing import Any

import pytest

from tlog.errors import ConfigurationInvalid
from tlog.service.identity.grants import RoleRule
from tlog.service.identity.settings import OidcSettings

GOOD: dict[str, Any] = {"issuer": "https://id.example", "client_id": "tlog", "roles": {"g": RoleRule("auditor")}}


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"issuer": "http://localhost:9998/"},
        {"issuer": "http://127.0.0.1"},
        {"issuer": "http://[::1]:8080"},
        {"client_id": None, "audience": "https://log.example"},
        {"access_profile": "jwt"},
    ],
)
def test_good_settings(changed: dict[str, Any]) -> None:
    OidcSettings(**(GOOD | changed)).check()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"issuer": "http://id.example"}, "must be https"),
        ({"issuer": "http://localhost.evil.example"}, "must be https"),
        ({"issuer": "http://127.0.0.1.evil.example"}, "must be https"),
        ({"issuer": "http://localhost@evil.example"}, "user name"),
        ({"issuer": "https://id.example\\@evil.example"}, "host"),
        ({"issuer": "https://id.example/#x"}, "fragment"),
        ({"issuer": "https://[::1"}, "not a URL"),
        ({"issuer": "https://id.example:port"}, "not a URL"),
        ({"issuer": "id.example"}, "host"),
        ({"issuer": ""}, "not a URL"),
        ({"client_id": None}, "set client_id"),
        ({"client_id": ""}, "client_id: is empty"),
        ({"audience": ""}, "audience: is empty"),
        ({"roles_claim": ""}, "roles_claim: is empty"),
        ({"audience": "tlog"}, "must differ"),
        ({"audience": "api", "trusted_audiences": ("api",)}, "must differ"),
        ({"scopes": ("profile",)}, "openid"),
        ({"access_profile": "any"}, "rfc9068, jwt"),
        ({"roles": {}}, "nobody may do anything"),
        ({"roles": {"g": RoleRule("root")}}, "roles.g"),
    ],
)
def test_settings_that_cannot_be_meant(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=said):
        OidcSettings(**(GOOD | changed)).check()


def test_the_secret_is_not_printed() -> None:
    assert "s3cret" not in repr(OidcSettings(**GOOD, client_secret="s3cret"))

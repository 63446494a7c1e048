"""`[oidc]` of `tlog.toml`: the identity provider whose word the log takes, and which roles it gives.

[oidc]
issuer = "https://id.example"              compared to the letter with what the provider says
client_id, client_secret_file              people log in; the secret in a file of mode 0600
audience                                   services bring JWTs that are made for it
[oidc.roles]
log-auditors = "auditor"
clinic-staff = { role = "reader", sources = ["clinic"], retention = ["standard"] }
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tlog.errors import ConfigurationInvalid
from tlog.keys.secret_file import read_secret_file
from tlog.service.identity.grants import RoleRule
from tlog.service.identity.settings import OidcSettings


@dataclass(frozen=True, slots=True)
class RoleTable:
    """A role, narrowed to entries of some sources, of some retention classes, or both."""

    role: str
    sources: tuple[str, ...] | None = None
    retention: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class OidcTable:
    """What the table says; `OidcSettings` describes each setting. Paths are relative to the data folder."""

    issuer: str
    client_id: str | None = None
    client_secret_file: str | None = None
    audience: str | None = None
    trusted_audiences: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    access_profile: str = "rfc9068"
    name_claim: str = "name"
    roles_claim: str = "groups"
    ca: str | None = None
    roles: dict[str, str | RoleTable] = field(default_factory=dict)

    def check(self) -> None:
        """Raise `ConfigurationInvalid`, opened by `oidc`, for what can't be meant. No file is read."""
        if self.client_secret_file is not None and self.client_id is None:
            raise ConfigurationInvalid("oidc.client_secret_file: is the secret of client_id, which is missing")
        try:
            self._settings(None, self.ca).check()
        except ConfigurationInvalid as error:
            raise ConfigurationInvalid(f"oidc.{error}") from None

    def load(self, folder: Path) -> OidcSettings:
        """Return the settings with the client's secret. Raises `ConfigurationInvalid` where its file is no good."""
        ca = None if self.ca is None else str(folder / self.ca)
        return self._settings(self._secret(folder), ca)

    def _secret(self, folder: Path) -> str | None:
        if self.client_secret_file is None:
            return None
        path = folder / self.client_secret_file
        try:
            secret = read_secret_file(path).decode("ascii").strip()
        except UnicodeDecodeError:
            secret = ""
        if not secret.isprintable() or not secret:
            raise ConfigurationInvalid(f"{path} holds no client secret: one line of printable ASCII is expected")
        return secret

    def _settings(self, secret: str | None, ca: str | None) -> OidcSettings:
        return OidcSettings(
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=secret,
            audience=self.audience,
            trusted_audiences=self.trusted_audiences,
            scopes=self.scopes,
            access_profile=self.access_profile,
            name_claim=self.name_claim,
            roles_claim=self.roles_claim,
            roles={value: _rule(said) for value, said in self.roles.items()},
            ca=ca,
        )


def unknown_of_oidc(document: Mapping[str, Any]) -> list[str]:
    """Return the settings of a document's `[oidc]` that do not exist."""
    table = document.get("oidc")
    if not isinstance(table, dict):
        return []
    known = {item.name for item in fields(OidcTable)}
    return [f"oidc.{name}" for name in table if name not in known] + _unknown_of_roles(table.get("roles"))


def _unknown_of_roles(roles: object) -> list[str]:
    if not isinstance(roles, dict):
        return []
    known = {item.name for item in fields(RoleTable)}
    given = [(value, said) for value, said in roles.items() if isinstance(said, dict)]
    return [f"oidc.roles.{value}.{name}" for value, said in given for name in said if name not in known]


def encode_oidc(table: OidcTable) -> Iterator[str]:
    """Return the lines of `[oidc]` and `[oidc.roles]`."""
    yield from ("", "[oidc]")
    for item in fields(table):
        value = getattr(table, item.name)
        if item.name != "roles":
            yield f"# {item.name} =" if value is None else f"{item.name} = {_encode(value)}"
    yield from ("", "[oidc.roles]")
    for claim, said in table.roles.items():
        yield f"{_encode(claim)} = {_encode(said) if isinstance(said, str) else _inline(said)}"


def _inline(rule: RoleTable) -> str:
    given = ((item.name, getattr(rule, item.name)) for item in fields(rule))
    return "{ " + ", ".join(f"{name} = {_encode(value)}" for name, value in given if value is not None) + " }"


def _encode(value: object) -> str:
    # As in `config`: TOML's strings and arrays are JSON's, but for U+007F.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _rule(said: str | RoleTable) -> RoleRule:
    return RoleRule(said) if isinstance(said, str) else RoleRule(said.role, said.sources, said.retention)

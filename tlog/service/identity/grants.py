"""Which roles of the log an identity has: a table from values of the roles claim to roles.

    [oidc.roles]
    log-auditors = "auditor"
    clinic-staff = { role = "reader", sources = ["clinic"], retention = ["standard"] }

Rules:

* Only values that the table has count, compared as they stand. Nobody has a role by default.
* A role may be narrowed to entries of some sources, of some retention classes, or both: an entry must then be of one of
  each. Without, the role is for every entry.
* A writer is always narrowed to its sources: it speaks in their name.
* Two values that map to one role give both grants; their entries add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tlog.errors import ConfigurationInvalid, NoRole
from tlog.service.identity.identity import Identity

ROLES: Final = ("writer", "reader", "auditor", "dpo", "admin")


@dataclass(frozen=True, slots=True)
class RoleRule:
    """A role and the entries it is for; None is all of them."""

    role: str
    sources: tuple[str, ...] | None = None
    retention: tuple[str, ...] | None = None

    def check(self, value: str) -> None:
        """Raise `ConfigurationInvalid` for a rule that can't be meant; `value` is the claim value it is for."""
        where = f"roles.{value}"
        if not value:
            raise ConfigurationInvalid("roles: an empty value would match nothing that a provider means")
        if self.role not in ROLES:
            raise ConfigurationInvalid(f"{where}: the role is none of {', '.join(ROLES)}")
        if self.sources == () or self.retention == ():
            raise ConfigurationInvalid(f"{where}: an empty list would allow nothing; leave it out to allow all")
        if self.role == "writer" and self.sources is None:
            raise ConfigurationInvalid(f"{where}: a writer needs sources, in whose name it appends")


def grants_of(identity: Identity, roles: Mapping[str, RoleRule]) -> tuple[RoleRule, ...]:
    """Return what the identity is granted, each rule once, in the order of the table. Raises `NoRole` if nothing."""
    groups = set(identity.groups)
    granted = tuple(dict.fromkeys(rule for value, rule in roles.items() if value in groups))
    if not granted:
        raise NoRole(
            "the identity provider knows you, but none of your groups has a role in this log; "
            "its operator maps groups to roles in [oidc.roles]"
        )
    return granted

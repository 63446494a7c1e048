"""Which roles of the log an identity has: a table from values of the roles claim to roles.

    [oidc.roles]
    log-auditors = "auditor"
    clinic-staff = { role = "reader", sources = ["clinic"], retention = ["standard"] }

Rules:

* Only values that the table has count, compared as they stand. Nobody has a role by default.
* A role may be narrowed to entries of some sources, of some retention classes, or both: an entry must then be of one of
  each. Without, the role is for every entry.
* A writer is always narrowed to its sources: it speaks in their name.
* Several values that map to one role add up, where what they are for together is again sources and classes. Where it is
  not, they are refused rather than widened.
* A principal has one scope for all its roles. Somebody of several roles has them for the entries that all are for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from tlog.errors import ConfigurationInvalid, NoRole
from tlog.service.identity.identity import Identity
from tlog.service.principal import Principal, scope_of
from tlog.storage.roles import OWN_SOURCE, Role, RowScope

_Names = frozenset[str] | None


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
        if self.role not in set(Role):
            raise ConfigurationInvalid(f"{where}: the role is none of {', '.join(Role)}")
        if self.sources == () or self.retention == ():
            raise ConfigurationInvalid(f"{where}: an empty list would allow nothing; leave it out to allow all")
        if self.role != Role.WRITER:
            return
        if self.sources is None:
            raise ConfigurationInvalid(f"{where}: a writer needs sources, in whose name it appends")
        if OWN_SOURCE in self.sources:
            raise ConfigurationInvalid(f"{where}: the source {OWN_SOURCE} is reserved for the log's own entries")

    @property
    def scope(self) -> RowScope:
        """The rows that the role is for."""
        sources, classes = (None if names is None else frozenset(names) for names in (self.sources, self.retention))
        return RowScope(sources, classes)


def principal_of(identity: Identity, roles: Mapping[str, RoleRule]) -> Principal:
    """Return what an identity is in this log. Raises `NoRole` if it is nothing.

    Its id is the beginning of SHA-256(issuer, 0x00, subject) in hex; entries call it by its subject.
    """
    scopes: dict[Role, RowScope] = {}
    for rule in grants_of(identity, roles):
        role = Role(rule.role)
        scopes[role] = _union(scopes[role], rule.scope) if role in scopes else rule.scope
    held = frozenset(scopes)
    scope = reduce(_both, scopes.values())
    if frozenset() in (scope.sources, scope.classes):
        raise NoRole("your groups give you several roles, and no entry is one that all of them are for")
    digest = hashlib.sha256(f"{identity.issuer}\0{identity.subject}".encode()).hexdigest()
    return Principal("user", digest[:16], identity.subject, held, scope_of(held, scope))


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


def _union(one: RowScope, other: RowScope) -> RowScope:
    if _within(one, other):
        return other
    if _within(other, one):
        return one
    if one.classes == other.classes:
        return RowScope(_add(one.sources, other.sources), one.classes)
    if one.sources == other.sources:
        return RowScope(one.sources, _add(one.classes, other.classes))
    raise NoRole(
        "your groups give you one role for entries of different sources and of different classes, which do not add up; "
        "the operator of this log maps groups to roles in [oidc.roles]"
    )


def _both(one: RowScope, other: RowScope) -> RowScope:
    return RowScope(_common(one.sources, other.sources), _common(one.classes, other.classes))


def _within(inner: RowScope, outer: RowScope) -> bool:
    pairs = ((inner.sources, outer.sources), (inner.classes, outer.classes))
    return all(wide is None or (narrow is not None and narrow <= wide) for narrow, wide in pairs)


def _add(one: _Names, other: _Names) -> _Names:
    return None if one is None or other is None else one | other


def _common(one: _Names, other: _Names) -> _Names:
    if one is None or other is None:
        return other if one is None else one
    return one & other

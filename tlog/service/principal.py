"""Who asks, and what they may do: the one table from roles to rights. Pure.

    nobody      checkpoints, tiles, proofs of leaves: what has no right beside it
    writer      append entries of its sources, read them back
    reader      look up and read entries
    auditor     as reader; evidence, who read what, drills
    dpo         as auditor; erase, hold, let expire, give a data subject their entries
    admin       tokens and roles; reads no entry

A principal of several roles has the rights of all of them, within one `RowScope`. Who is limited to some rows neither
acts on people's data, which would reach beyond them, nor manages access.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from tlog.audit.entry import Actor
from tlog.errors import Forbidden
from tlog.storage.roles import EVERYTHING, Role, RowScope
from tlog.storage.token_store import Token

Kind = Literal["token", "user"]


class Right(StrEnum):
    """What a request may need."""

    APPEND = "append entries"
    READ = "read entries"
    PROVE = "take evidence away"
    WATCH = "see who read what"
    OVERSEE = "see sources and drills"
    GIVE = "give a data subject their entries"
    PROTECT = "erase, hold and let expire"
    ADMINISTER = "manage tokens and roles"


_READ: Final = frozenset({Right.READ})
_AUDIT: Final = _READ | {Right.PROVE, Right.WATCH, Right.OVERSEE}
RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.WRITER: _READ | {Right.APPEND},
    Role.READER: _READ,
    Role.AUDITOR: _AUDIT,
    Role.DPO: _AUDIT | {Right.GIVE, Right.PROTECT},
    Role.ADMIN: frozenset({Right.OVERSEE, Right.ADMINISTER}),
}
WHOLE: Final = frozenset({Right.PROTECT, Right.ADMINISTER})
"""Rights that nobody has who is limited to some rows."""
ACTOR_TYPES: Final[Mapping[Kind, str]] = {"token": "token", "user": "tlog-user"}
"""The types of actor by whom the log's own entries say who asked."""
OPERATOR: Final = "tlog-operator"
"""The type of actor of who read a stopped log's data folder at its machine: no credential stands for them."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who showed who they are. `id` has at most 16 characters; `name` is what the log calls them."""

    kind: Kind
    id: str
    name: str
    roles: frozenset[Role]
    scope: RowScope = EVERYTHING

    def may(self, right: Right) -> bool:
        """Tell whether one of the roles has this right, and no limit takes it away."""
        if right in WHOLE and self.scope.is_limited:
            return False
        return any(right in RIGHTS[role] for role in self.roles)

    def require(self, *rights: Right) -> None:
        """Raise `Forbidden` unless the principal has one of these rights."""
        if not any(self.may(right) for right in rights):
            needed = sorted(role for role in Role if any(right in RIGHTS[role] for right in rights))
            roles = " and ".join(sorted(self.roles)) or "no role"
            have = "has" if len(needed) == 1 else "have"
            needs = f"this needs the right to {' or '.join(rights)}, which {' and '.join(needed)} {have}"
            limit = f", limited to {self.scope}" if self.scope.is_limited else ""
            raise Forbidden(f"{needs}; you are {roles}{limit}")

    def actor(self, authorised_by: str | None = None) -> Actor:
        """Return the principal as the actor of an own entry, with the person who authorised it."""
        return Actor(type=ACTOR_TYPES[self.kind], id=self.name, name=authorised_by)


def of_token(token: Token) -> Principal:
    """Return whom a token, a client certificate or a link stands for."""
    return Principal("token", token.token_id, token.name, token.roles, scope_of(token.roles, token.scope))


def scope_of(roles: Collection[Role], scope: RowScope) -> RowScope:
    """Return the rows for somebody of these roles: who may not see who read what sees no own entries of the log."""
    watches = not scope.is_limited and any(Right.WATCH in RIGHTS[role] for role in roles)
    return replace(scope, own=watches)

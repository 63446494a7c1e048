"""A request to erase one person: whom, on whose authority, and what of it may stay in the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tlog.audit.naming import names_person
from tlog.errors import BadRequest
from tlog.service.access_log import NOBODY
from tlog.service.acts import Payload, asked_by
from tlog.service.own_entries import SERVICE
from tlog.service.person_eraser import Role
from tlog.service.principal import ACTOR_TYPES, OPERATOR, Principal

_NUMBER: Final = 4  # Characters: a shorter id is not looked for in a legal basis, which is full of "17" and "b".
_TEXTS: Final = ("legal_basis", "authorised_by", "reason")
ASKERS: Final = frozenset({*ACTOR_TYPES.values(), OPERATOR})
"""Types of actor by whom the log's own entries say who asked."""
OWN_ACTORS: Final = ASKERS | {NOBODY.type, SERVICE.type}
"""Types of actor of the log's own entries: nobody takes a name out of them."""


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody by name. `identity` is what the keyring hashes: a subject's id, or an actor's type, U+0000 and id."""

    role: Role
    identity: str

    @property
    def id(self) -> str:
        """What the person is called."""
        return self.identity.rpartition("\0")[2]


@dataclass(frozen=True, slots=True, repr=False)
class ErasureRequest:
    """Whom to erase, and on whose authority. `even_damaged`: entries that do not open are no obstacle."""

    person: Person
    legal_basis: str
    authorised_by: str
    reason: str | None = None
    even_damaged: bool = False

    def check(self) -> None:
        """Raise `BadRequest` for an actor of the log's own entries, and where a text that stays names the person."""
        if self.person.role == "actor" and self.person.identity.partition("\0")[0] in OWN_ACTORS:
            raise BadRequest("actor: who acts in the log's own entries goes with their retention, and by no erasure")
        for name in ("authorised_by", "reason") if len(self.person.id) < _NUMBER else _TEXTS:
            if names_person(getattr(self, name) or "", self.person.id):
                raise BadRequest(f"{name}: it contains the person's id, and would keep what is erased; word it without")


def payload_of(asked: ErasureRequest, principal: Principal) -> Payload:
    """Return what the act of a request says; whom it is about is sealed beside it, under that person's own key."""
    return {
        **asked_by(principal),
        "authorised_by": asked.authorised_by,
        "legal_basis": asked.legal_basis,
        "reason": asked.reason,
        "role": asked.person.role,
        "even_damaged": asked.even_damaged,
    }

"""Which field of an entry is disclosed under which name in which part: to write by and to check by."""

from __future__ import annotations

from operator import attrgetter

from tlog.audit.part import ACTOR, CORE, SHARED

CORE_SCALARS = (
    "schema",
    "id",
    "source",
    "seq",
    "occurred_at",
    "action",
    "crud",
    "outcome",
    "purpose",
    "legal_basis",
    "retention",
)
AUTHORIZATION_SCALARS = ("policy", "decision_id", "granted_by")
ACTOR_SCALARS = ("type", "id", "name", "role", "organization", "ip", "user_agent", "session")
CORRELATION_SCALARS = ("trace_id", "request_id")

RECEIVED_AT = b"received_at"
CORE_NAMES = tuple(name.encode() for name in CORE_SCALARS)
AUTHORIZATION_NAMES = tuple(f"authorization.{name}".encode() for name in AUTHORIZATION_SCALARS)
ACTOR_NAMES = tuple(f"actor.{name}".encode() for name in ACTOR_SCALARS)
CORRELATION_NAMES = tuple(f"correlation.{name}".encode() for name in CORRELATION_SCALARS)

core_values = attrgetter(*CORE_SCALARS)
authorization_values = attrgetter(*AUTHORIZATION_SCALARS)
actor_values = attrgetter(*ACTOR_SCALARS)
correlation_values = attrgetter(*CORRELATION_SCALARS)


def may_hold(label: str, name: str) -> bool:
    """Tell whether the part of this label may hold a field of this name."""
    return name in _NAMES[label] if label in _NAMES else name == label


_NAMES = {
    CORE: {name.decode() for name in (*CORE_NAMES, RECEIVED_AT, *AUTHORIZATION_NAMES)},
    ACTOR: {name.decode() for name in ACTOR_NAMES},
    SHARED: {name.decode() for name in (b"targets", b"details", *CORRELATION_NAMES)},
}

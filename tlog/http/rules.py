"""Who may ask what: for each operation of `/openapi.json` the right it needs and the action it is logged as.

A route's name is its operation. One that is neither here nor in `PUBLIC` is not served at all; a test asks every
operation with every role and compares with this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tlog.service.principal import RIGHTS, Right
from tlog.storage.roles import Role


class Logged(Enum):
    """Which requests the guard logs."""

    ALWAYS = "every request"
    UNLESS_ACTED = "every request but those that were carried out: the act logs itself"
    DENIED = "those that were denied: what an append says is in the log anyway"


@dataclass(frozen=True, slots=True)
class Rule:
    """One of `rights` is needed. `action` is that of the request's entry."""

    rights: tuple[Right, ...]
    action: str
    logged: Logged = Logged.ALWAYS


def roles_for(rule: Rule) -> list[str]:
    """Return the roles that have one of the rights, by name."""
    return sorted(role.value for role in Role if RIGHTS[role] & set(rule.rights))


def _acts(action: str) -> Rule:
    return Rule((Right.PROTECT,), action, Logged.UNLESS_ACTED)


PUBLIC: Final = frozenset(
    {
        *("checkpoint", "tile", "entryBundle", "checkpoints", "inclusionProof", "consistencyProof", "proofFile"),
        *("healthz", "readyz", "metrics", "openapi"),
        *("beginOpenIdLogin", "endOpenIdLogin"),
    }
)
"""What anybody may ask: hashes and signatures, nothing of an entry; and to log in."""

RULES: Final[Mapping[str, Rule]] = {
    "appendEntries": Rule((Right.APPEND,), "tlog.entries.append", Logged.DENIED),
    "addLeaf": Rule((Right.APPEND,), "tlog.leaf.add", Logged.DENIED),
    "findEntries": Rule((Right.READ,), "tlog.entries.search"),
    "searchEntries": Rule((Right.READ,), "tlog.entries.search"),
    "readEntry": Rule((Right.READ,), "tlog.entry.read"),
    "readEntryById": Rule((Right.READ,), "tlog.entry.read"),
    "evidence": Rule((Right.PROVE,), "tlog.evidence.export"),
    "caseFile": Rule((Right.PROVE,), "tlog.evidence.export"),
    "subjectAccess": Rule((Right.GIVE,), "tlog.subject-access.request", Logged.UNLESS_ACTED),
    "accesses": Rule((Right.WATCH,), "tlog.access.read"),
    "searchAccesses": Rule((Right.WATCH,), "tlog.access.read"),
    "sources": Rule((Right.OVERSEE,), "tlog.sources.read"),
    "issueToken": Rule((Right.ADMINISTER,), "tlog.grant.request", Logged.UNLESS_ACTED),
    "tokens": Rule((Right.ADMINISTER,), "tlog.tokens.read"),
    "revokeToken": Rule((Right.ADMINISTER,), "tlog.revocation.request", Logged.UNLESS_ACTED),
    "drillWindow": Rule((Right.PROVE,), "tlog.drills.read"),
    "logDrill": Rule((Right.PROVE,), "tlog.drills.log", Logged.UNLESS_ACTED),
    "drills": Rule((Right.OVERSEE,), "tlog.drills.read"),
    "erase": _acts("tlog.erasure.request"),
    "erasures": Rule((Right.PROTECT,), "tlog.acts.read"),
    "placeHold": _acts("tlog.hold.request"),
    "holds": Rule((Right.PROTECT,), "tlog.holds.read"),
    "liftHolds": _acts("tlog.lift.request"),
    "retentionPlan": Rule((Right.PROTECT,), "tlog.retention.read"),
    "retentionRun": _acts("tlog.expiry.request"),
    "acts": Rule((Right.PROTECT, Right.ADMINISTER), "tlog.acts.read"),
    "act": Rule((Right.PROTECT, Right.ADMINISTER), "tlog.acts.read"),
    "approveAct": Rule((Right.PROTECT, Right.ADMINISTER), "tlog.act.approve", Logged.UNLESS_ACTED),
    "declineAct": Rule((Right.PROTECT, Right.ADMINISTER), "tlog.act.decline", Logged.UNLESS_ACTED),
}

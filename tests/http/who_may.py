"""Who may ask what, and as which action that is logged: what the tests expect, spelt out.

Neither computed from the program's own table nor read from the documentation: a slip in either is noticed.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class May(NamedTuple):
    """The roles, with spaces between them, and the action of the own entry of a request."""

    roles: str
    action: str


EXPECTED: Final = {
    "appendEntries": May("writer", "tlog.entries.append"),
    "addLeaf": May("writer", "tlog.leaf.add"),
    "findEntries": May("writer reader auditor dpo", "tlog.entries.search"),
    "searchEntries": May("writer reader auditor dpo", "tlog.entries.search"),
    "readEntry": May("writer reader auditor dpo", "tlog.entry.read"),
    "readEntryById": May("writer reader auditor dpo", "tlog.entry.read"),
    "evidence": May("auditor dpo", "tlog.evidence.export"),
    "caseFile": May("auditor dpo", "tlog.evidence.export"),
    "subjectAccess": May("dpo", "tlog.subject-access.request"),
    "accesses": May("auditor dpo", "tlog.access.read"),
    "searchAccesses": May("auditor dpo", "tlog.access.read"),
    "sources": May("auditor dpo admin", "tlog.sources.read"),
    "issueToken": May("admin", "tlog.grant.request"),
    "tokens": May("admin", "tlog.tokens.read"),
    "revokeToken": May("admin", "tlog.revocation.request"),
    "drillWindow": May("auditor dpo", "tlog.drills.read"),
    "logDrill": May("auditor dpo", "tlog.drills.log"),
    "drills": May("auditor dpo admin", "tlog.drills.read"),
    "erase": May("dpo", "tlog.erasure.request"),
    "erasures": May("dpo", "tlog.acts.read"),
    "placeHold": May("dpo", "tlog.hold.request"),
    "holds": May("dpo", "tlog.holds.read"),
    "liftHolds": May("dpo", "tlog.lift.request"),
    "retentionPlan": May("dpo", "tlog.retention.read"),
    "retentionRun": May("dpo", "tlog.expiry.request"),
    "acts": May("dpo admin", "tlog.acts.read"),
    "act": May("dpo admin", "tlog.acts.read"),
    "approveAct": May("dpo admin", "tlog.act.approve"),
    "declineAct": May("dpo admin", "tlog.act.decline"),
}
"""What needs a role, by operation."""
WHOLE: Final = {
    *("accesses", "searchAccesses", "drillWindow", "logDrill", "drills"),
    *("erase", "erasures", "placeHold", "holds", "liftHolds", "retentionPlan", "retentionRun"),
    *("acts", "act", "approveAct", "declineAct"),
}
"""What auditors and data protection officers may not ask who are limited to some sources or classes."""
NO_OWN: Final = {"appendEntries", "addLeaf"}
"""Carried out, these are in the log themselves."""
ACTED: Final = {
    "placeHold": "tlog.hold.place",
    "subjectAccess": "tlog.subject-access",
    "logDrill": "tlog.drill",
    "revokeToken": "tlog.token.revoke",
}
"""Carried out, these are logged as acts, under these actions. Others wait for a second person in these tests."""
WAITING: Final = {"erase", "liftHolds", "issueToken"}
"""Where a second person must agree, the own entry of these has the id of the act that waits."""
DECIDED: Final = {"approveAct": "allowed", "declineAct": "denied"}
"""Carried out, these are logged as what they are, and then as the act that was decided on, with this outcome."""

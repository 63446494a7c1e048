"""Which right each page needs, and as what it is logged: that of the operation it asks, or one of its own.

A page that only shows an empty form shows nothing of the log: only a denied request for it is logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tlog.http.guard import Guard
from tlog.http.rules import Logged, Rule
from tlog.service.principal import Right

PUBLIC: Final = frozenset(
    {
        *("ui.start", "ui.short", "ui.overview", "ui.witnesses", "ui.compare", "ui.checkpoint", "ui.reference"),
        *("ui.static", "ui.login", "ui.login.token", "ui.login.link", "ui.login.link.use", "ui.logout"),
    }
)
AS_OPERATION: Final[Mapping[str, str]] = {
    "ui.search.run": "searchEntries",
    "ui.entry": "readEntry",
    "ui.entry.evidence": "caseFile",
    "ui.people.plan": "erase",
    "ui.people.erase": "erase",
    "ui.people.access": "subjectAccess",
    "ui.retention": "retentionPlan",
    "ui.retention.run": "retentionRun",
    "ui.holds": "holds",
    "ui.holds.place": "placeHold",
    "ui.holds.lift.ask": "holds",
    "ui.holds.lift": "liftHolds",
    "ui.acts": "acts",
    "ui.act": "act",
    "ui.acts.approve.ask": "act",
    "ui.acts.decline.ask": "act",
    "ui.acts.approve": "approveAct",
    "ui.acts.decline": "declineAct",
    "ui.drills": "drills",
    "ui.tokens": "tokens",
    "ui.tokens.issue": "issueToken",
    "ui.tokens.revoke.ask": "tokens",
    "ui.tokens.revoke": "revokeToken",
}
OWN: Final[Mapping[str, Rule]] = {
    "ui.search": Rule((Right.READ,), "tlog.page.open", Logged.DENIED),
    "ui.people": Rule((Right.GIVE,), "tlog.page.open", Logged.DENIED),
    "ui.sources": Rule((Right.OVERSEE,), "tlog.sources.read"),
    "ui.access": Rule((Right.WATCH,), "tlog.access.read"),
    "ui.access.run": Rule((Right.WATCH,), "tlog.access.read"),
}


def admit(guard: Guard, names: frozenset[str]) -> None:
    """Tell the guard the rule of each of these pages. KeyError for a page that has none."""
    for name in names:
        if name in PUBLIC:
            guard.public.add(name)
        else:
            guard.rules[name] = OWN[name] if name in OWN else guard.rules[AS_OPERATION[name]]

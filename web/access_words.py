"""What the log's own entries call an action, in words: one table. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

ERASURE_REQUEST: Final = "tlog.erasure.request"
ACTIONS: Final[Mapping[str, str]] = {
    "tlog.access.read": "asked who looked",
    "tlog.access.refuse": "was turned away",
    "tlog.act.approve": "approved an act, or asked to",
    "tlog.act.decline": "declined an act, or asked to",
    "tlog.acts.read": "looked at acts",
    "tlog.drill": "ran a drill",
    "tlog.drills.log": "asked to log a drill",
    "tlog.drills.read": "looked at drills",
    "tlog.entries.append": "asked to append entries",
    "tlog.entries.search": "searched",
    "tlog.entry.read": "read the entry",
    "tlog.erasure": "erased one person",
    ERASURE_REQUEST: "asked to erase one person, or tried it out",
    "tlog.evidence.export": "took evidence",
    "tlog.expiry": "let entries expire",
    "tlog.expiry.request": "asked to let entries expire",
    "tlog.grant": "granted access",
    "tlog.grant.request": "asked to grant access",
    "tlog.hold": "did not place a hold that was asked for",
    "tlog.hold.lift": "lifted a hold",
    "tlog.hold.place": "placed a hold",
    "tlog.hold.request": "asked to place a hold",
    "tlog.holds.read": "looked at holds",
    "tlog.key.rotate": "changed a signing key",
    "tlog.leaf.add": "asked to add a leaf",
    "tlog.lift": "did not lift a hold, as was asked for",
    "tlog.lift.request": "asked to lift a hold",
    "tlog.page.open": "asked for a page",
    "tlog.read.offline": "read it out of the data folder, with the log stopped",
    "tlog.resume-expiry": "let expiry go on",
    "tlog.retention.check": "checked what is due",
    "tlog.retention.read": "looked at what expires",
    "tlog.revocation.request": "asked to revoke access",
    "tlog.session.open": "logged in",
    "tlog.sources.read": "looked at the sources",
    "tlog.subject-access": "took a person's own entries for them",
    "tlog.subject-access.request": "asked for a person's own entries",
    "tlog.token.issue": "issued access",
    "tlog.token.revoke": "revoked access",
    "tlog.tokens.read": "looked at tokens and roles",
}
_KINDS: Final = {
    "token": "token",
    "tlog-user": "person",
    "tlog-operator": "operator of the machine",
    "unauthenticated": "nobody the log knows",
    "service": "log",
}


def action_words(action: str) -> str:
    """Return what somebody did; the action itself where no words are known."""
    return ACTIONS.get(action, action)


def did_words(action: str, operation: str, details: Collection[str] = ()) -> str:
    """Return what somebody did, as far as the operation that was asked for, or the names of what is said of it, tell.

    A dry run of an erasure has the same action as the request.
    """
    if action == ERASURE_REQUEST:
        if operation == "ui.people.plan":
            return "tried out an erasure of one person"
        if operation == "ui.people.erase" or {"waiting", "running"} & set(details):
            return "asked to erase one person"
    return action_words(action)


def kind_words(kind: str) -> str:
    """Return what sort of actor somebody is: `person` for one who logged in with a provider."""
    return _KINDS.get(kind, kind)

"""How much an act would reach that waits for a second person: what they want to know before they agree.

It is counted when it is shown and stored nowhere, because entries come, expire and are held while the act waits. What
an erasure would reach was counted when it was asked for, and is part of what it says. Blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from tlog.errors import DecryptionFailed
from tlog.service.hold_acts import HoldActs
from tlog.service.lookup import LookUp
from tlog.service.retention import Retention
from tlog.storage.act_store import Act, ActKind, ActState


@dataclass(frozen=True, slots=True)
class Reach:
    """Entries that a hold covers, `or_more` where the count ended at its limit; or that would expire, and are held."""

    entries: int
    or_more: bool = False
    held: int | None = None


def reach(act: Act, lookup: LookUp, holds: HoldActs | None, retention: Retention | None) -> Reach | None:
    """Return what a lift or an expiry that waits would reach now; None for any other act.

    Raises `Unavailable` or `StorageFault` as the databases fail.
    """
    if act.state is not ActState.PENDING:
        return None
    if act.kind is ActKind.LIFT and holds is not None and act.hold is not None:
        return _of_lift(act.hold, lookup, holds)
    if act.kind is ActKind.EXPIRY and retention is not None and act.cohort is not None:
        entries, held = retention.reach(act.cohort)
        return Reach(entries, held=held)
    return None


def _of_lift(number: int, lookup: LookUp, acts: HoldActs) -> Reach | None:
    hold = acts.holds.store.get(number)
    try:
        case = acts.holds.said(hold)["case"]
    except DecryptionFailed:  # its keyring is another one; the act itself can still be shown, and declined
        return None
    covered = lookup.covered(hold, case)
    return Reach(covered.entries, covered.or_more)

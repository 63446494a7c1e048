"""How many entries of each cohort legal holds keep from expiring: what a plan of retention shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from tlog.service.holds import Holds
from tlog.service.retention_rules import Cohort
from tlog.storage.held_rows import HeldRows, HeldScope
from tlog.storage.hold_store import Hold, HoldKind


class HeldCounts:
    """Counts what `Holds.blocking_expiry` says of each entry, without looking at each. Methods block."""

    def __init__(self, holds: Holds, rows: HeldRows) -> None:
        self._holds = holds
        self._rows = rows

    def of(self, cohorts: Collection[Cohort]) -> Counter[str]:
        """Return how many entries of these cohorts are held, by name, of others perhaps. Raises `DecryptionFailed`."""
        if not cohorts:
            return Counter()
        start, end = min(cohort.start for cohort in cohorts), max(cohort.end for cohort in cohorts)
        legal = [hold for hold in self._holds.store.active() if hold.kind is HoldKind.LEGAL]
        return self._rows.count([self._scope(hold) for hold in legal], start, end)

    def _scope(self, hold: Hold) -> HeldScope:
        terms = self._holds.terms_of(hold) if hold.by_case else None
        return HeldScope(hold.key_id, hold.source, hold.occurred_from, hold.occurred_to, terms)

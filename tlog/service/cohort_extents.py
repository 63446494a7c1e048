"""How much each of many cohorts has, and how much of it is held: what a plan of retention shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Protocol

from tlog.service.retention_rules import Cohort
from tlog.storage.cohort_counts import CohortCounts, Named


class HoldsOnExpiry(Protocol):
    """What protects entries from expiry. All block."""

    def blocking_expiry(self, indices: Sequence[int]) -> set[int]:
        """Return those of the entries that a legal hold covers."""
        ...

    def count(self) -> int:
        """Return how many holds are in force."""
        ...


class CohortExtents:
    """How many entries of each cohort there are, and how many of them are held. Methods block."""

    def __init__(self, counts: CohortCounts, holds: HoldsOnExpiry | None, every: Collection[Cohort]) -> None:
        """`every` cohort that there is, asked for or not."""
        self._counts = counts
        self._holds = holds if holds is not None and holds.count() else None
        self._moved = {cohort.start for cohort in every if cohort.moved}
        self.entries: Counter[str] = Counter()
        self.held: Counter[str] = Counter()

    def count(self, cohorts: Collection[Cohort]) -> None:
        """Count these cohorts, and those of the same months with them."""
        for month in {cohort.start: cohort for cohort in cohorts}.values():
            if self._holds is None:
                moved = month.start in self._moved
                for named, found in self._counts.counts(month.start, month.end, moved=moved).items():
                    self.entries[_name(named, month)] += found
            else:
                self._count_held(month, self._holds)

    def _count_held(self, month: Cohort, holds: HoldsOnExpiry) -> None:
        for page in self._counts.indices(month.start, month.end):
            held = holds.blocking_expiry(list(page))
            for index, named in page.items():
                count = self.held if index in held else self.entries
                count[_name(named, month)] += 1


def _name(named: Named, month: Cohort) -> str:
    retention, moved_to = named
    return moved_to or Cohort(retention, month.year, month.month).name

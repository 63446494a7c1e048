"""How many entries of each cohort legal holds keep from expiring: what a plan of retention shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from tlog.service.holds import Holds
from tlog.storage.held_rows import HeldRows, Stretch
from tlog.storage.hold_store import Hold, HoldKind
from tlog.storage.log_store import many

_PAGE: Final = 2_000


class HeldCounts:
    """Counts from the holds' side, so that it costs what is held and not what is kept. Methods block.

    A hold on a person or a case lists its entries; one on a source or a time counts them by an index. What both cover
    is counted once.
    """

    def __init__(self, holds: Holds, rows: HeldRows) -> None:
        self._holds = holds
        self._rows = rows

    def by_cohort(self) -> Counter[str]:
        """Return how many entries of each cohort are held, by its name. Raises `DecryptionFailed`."""
        legal = [hold for hold in self._holds.store.active() if hold.kind is HoldKind.LEGAL]
        wide = [hold for hold in legal if hold.key_id is None and not hold.by_case]
        found = self._rows.stretches([Stretch(hold.source, hold.occurred_from, hold.occurred_to) for hold in wide])
        counted = {hold.hold for hold in wide}
        for some in many(sorted(self._listed(hold for hold in legal if hold.hold not in counted)), _PAGE):
            covered = self._holds.covered(some, legal)
            found += self._rows.cohorts([index for index, numbers in covered.items() if counted.isdisjoint(numbers)])
        return found

    def _listed(self, narrow: Iterable[Hold]) -> set[int]:
        """Return every entry that one of these could cover: that of its person or its case."""
        listed: set[int] = set()
        for hold in narrow:
            if hold.key_id is not None:
                listed.update(self._rows.of_person(hold.key_id))
            else:
                listed.update(self._rows.of_terms(self._holds.terms_of(hold)))
        return listed

"""What is held: legal holds, and recorded grounds of Art. 17(3) GDPR.

A hold covers an entry if every part of its scope does: the person is one of its subjects, it is of the source, it
happened within the window, it names the case number as a target of type `case` or as a correlation id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tlog.keys.keyring import Keyring
from tlog.storage.hold_store import Hold, HoldKind, HoldStore, Scoped

CASE_TYPE: Final = "case"


class Holds:
    """Answers what is held now. Methods block."""

    def __init__(self, store: HoldStore, keyring: Keyring) -> None:
        self.store = store
        self._keyring = keyring

    def on_subject(self, key_id: int) -> list[int]:
        """Return the holds whose scope is this person and nothing narrower, whether or not they have entries."""
        return [hold.hold for hold in self.store.active() if hold.key_id == key_id and _is_whole_person(hold)]

    def names(self, key_id: int) -> bool:
        """Tell whether a hold in force is on this person, be it within a narrower scope."""
        return any(hold.key_id == key_id for hold in self.store.active())

    def rekey(self, old: int, new: int) -> None:
        """Let the holds in force on a person be on their new key."""
        self.store.rekey(old, new)

    def count(self) -> int:
        """Return how many holds are in force."""
        return len(self.store.active())

    def held(self, indices: Sequence[int]) -> dict[int, list[int]]:
        """Return the numbers of the holds that protect each entry from erasure; free entries are left out."""
        return self.covered(indices, self.store.active())

    def blocking_expiry(self, indices: Sequence[int]) -> set[int]:
        """Return those of the entries that a legal hold keeps from expiring."""
        return set(self.covered(indices, (hold for hold in self.store.active() if hold.kind is HoldKind.LEGAL)))

    def said(self, hold: Hold) -> dict[str, Any]:
        """Return what a hold says: case, reason, ground, who placed it. Raises `DecryptionFailed`."""
        return dict(msgspec.json.decode(self._keyring.open_payload(hold.payload, hold.hold_id)))

    def terms_of(self, hold: Hold) -> frozenset[int]:
        """Return the blind terms of a hold's case. Raises `DecryptionFailed`."""
        return case_terms(self._keyring, self.said(hold)["case"])

    def covered(self, indices: Sequence[int], holds: Iterable[Hold]) -> dict[int, list[int]]:
        """Return the numbers of those of the holds that cover each entry; what none covers is left out."""
        active = list(holds)
        if not active or not indices:
            return {}
        terms = {hold.hold: self.terms_of(hold) for hold in active if hold.by_case}
        found: dict[int, list[int]] = {}
        for entry in self.store.scoped(indices):
            if numbers := [hold.hold for hold in active if covers(hold, entry, terms.get(hold.hold, frozenset()))]:
                found[entry.index] = numbers
        return found


def covers(hold: Hold, entry: Scoped, case: frozenset[int]) -> bool:
    """Tell whether a hold covers an entry; `case` are the blind terms of its case, where that is in scope."""
    return (
        (hold.key_id is None or hold.key_id in entry.key_ids)
        and (hold.source is None or hold.source == entry.source)
        and (hold.occurred_from is None or hold.occurred_from <= entry.occurred_at)
        and (hold.occurred_to is None or entry.occurred_at < hold.occurred_to)
        and (not hold.by_case or bool(case & entry.terms))
    )


def case_terms(keyring: Keyring, case: str) -> frozenset[int]:
    """Return the blind terms by which an entry names a case: as a target, and as a correlation id."""
    return frozenset((keyring.target_term(CASE_TYPE, case), keyring.correlation_term(case)))


def _is_whole_person(hold: Hold) -> bool:
    return hold.source is None and hold.occurred_from is None and hold.occurred_to is None and not hold.by_case

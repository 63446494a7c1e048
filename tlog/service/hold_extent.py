"""How many entries a hold covers now: what whoever places it wants to know, to see that its scope is what was meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tlog.keys.keyring import Keyring
from tlog.service.holds import case_terms
from tlog.storage.hold_store import Hold
from tlog.storage.lookup.conditions import Conditions, Window
from tlog.storage.lookup_store import LookUpStore

MAX_COUNTED: Final = 10_000
_PAGE: Final = 500
_MAX_PAGES: Final = 100


@dataclass(frozen=True, slots=True)
class HoldExtent:
    """Entries covered; `or_more`: the count ended at a limit."""

    entries: int
    or_more: bool


def extent(store: LookUpStore, keyring: Keyring, hold: Hold, case: str) -> HoldExtent:
    """Count what a hold of this case covers, up to `MAX_COUNTED`. Blocks."""
    found: set[int] = set()
    whole = True
    for terms in [(term,) for term in sorted(case_terms(keyring, case))] if hold.by_case else [()]:
        whole &= _collect(store, _conditions(hold, terms), found)
    return HoldExtent(len(found), not whole)


def _collect(store: LookUpStore, conditions: Conditions, found: set[int]) -> bool:
    below = None
    for _ in range(_MAX_PAGES):
        page = store.page(conditions, below, _PAGE)
        found.update(page.indices)
        below = page.next
        if below is None or len(found) >= MAX_COUNTED:
            break
    return below is None


def _conditions(hold: Hold, terms: tuple[int, ...]) -> Conditions:
    persons = () if hold.key_id is None else (hold.key_id,)
    ends = (hold.occurred_from, hold.occurred_to)
    return Conditions(persons, terms, source=hold.source, occurred=None if ends == (None, None) else Window(*ends))

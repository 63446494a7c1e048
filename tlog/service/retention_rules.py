"""How long entries are kept: classes, cohorts, and when a cohort's time is over. Pure.

A cohort is a retention class and a UTC month of `received_at`: `standard/2025-03`; entries that a hold saved from its
expiry are in `standard/2025-03+1`, and so on. It expires as a whole, `months` after the end of its month: the last
entry has then been kept for the whole period, the first one for up to a month more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MAX_MONTHS: Final = 1200
_COHORT = re.compile(
    r"(?P<retention>[a-z][a-z0-9_-]{0,63})/(?P<year>[0-9]{4})-(?P<month>[0-9]{2})(?:\+(?P<moved>[1-9][0-9]{0,8}))?"
)


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """A retention class: kept for `months` after the month in which an entry came, for a stated reason."""

    name: str
    months: int
    reason: str


RetentionClasses = Mapping[str, RetentionClass]


@dataclass(frozen=True, slots=True)
class Cohort:
    """A parsed cohort name; `moved` is 0 for the cohort in which its entries came."""

    retention: str
    year: int
    month: int
    moved: int = 0

    @property
    def start(self) -> int:
        """The first microsecond of its month."""
        return _month_start(self.year * 12 + self.month - 1)

    @property
    def end(self) -> int:
        """The first microsecond after its month."""
        return _month_start(self.year * 12 + self.month)

    @property
    def name(self) -> str:
        """How it is called."""
        base = f"{self.retention}/{self.year:04}-{self.month:02}"
        return f"{base}+{self.moved}" if self.moved else base

    def next(self) -> Cohort:
        """The cohort that its held entries are moved to."""
        return Cohort(self.retention, self.year, self.month, self.moved + 1)

    def earlier(self) -> list[Cohort]:
        """The cohorts in which its entries were before, the first one first."""
        return [Cohort(self.retention, self.year, self.month, moved) for moved in range(self.moved)]

    def expires_at(self, classes: RetentionClasses) -> int | None:
        """When its time is over, in microseconds; None where its class has no period here."""
        kept = classes.get(self.retention)
        if kept is None:
            return None
        return _month_start(self.year * 12 + self.month + kept.months)


def parse_cohort(name: str) -> Cohort:
    """Return the cohort of a name. ValueError for what is none."""
    found = _COHORT.fullmatch(name)
    if found is None or not 1 <= int(found["month"]) <= 12 or found["year"] == "0000":
        raise ValueError("not the name of a cohort")
    return Cohort(found["retention"], int(found["year"]), int(found["month"]), int(found["moved"] or 0))


def due(cohorts: Iterable[Cohort], classes: RetentionClasses, now: int) -> list[Cohort]:
    """Return the cohorts whose time is over at `now` (microseconds), the longest overdue first."""
    over = [(cohort.expires_at(classes), cohort.name, cohort) for cohort in cohorts]
    ended = sorted((end, name, cohort) for end, name, cohort in over if end is not None and end <= now)
    return [cohort for _, _, cohort in ended]


def own_class(classes: RetentionClasses) -> str:
    """Return the class of the log's own entries: the one that is kept longest, so that none of them goes before the
    entries that it explains. Without classes `standard`, which has no period then."""
    if not classes:
        return "standard"
    return max(classes.values(), key=lambda kept: (kept.months, kept.name == "standard", kept.name)).name


def _month_start(months: int) -> int:
    year, month = divmod(months, 12)
    if year > 9999:
        return int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * 1_000_000
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp()) * 1_000_000

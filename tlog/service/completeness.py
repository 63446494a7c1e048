"""Is anything missing? The gaps in the numbers that each source counts its entries with.

A source counts without gaps, so a number that does not come is an entry that was lost, or kept back. Rules:

* Numbers may come out of order: one that is missing for less than `GRACE_SECONDS` after a later one came is late.
* An expired entry has no number any more. Numbers beside entries that are older than what expired last may have gone
  that way: they are told apart, since nobody can say any more.
* Before the smallest number that is here nothing is known to be missing.

What was once found without a gap is not read again: a look costs as much as came since the last one. The first look
after a start reads every number, in the background.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tlog.service.retention_rules import parse_cohort
from tlog.storage.act_store import ActKind, ActState, ActStore
from tlog.storage.sequence_store import Gap, SequenceStore, SourceEnds

GRACE_SECONDS: Final = 300
MAX_GAPS: Final = 200
"""Gaps remembered for each source; what is behind the last of them is read once some are closed."""
_EXPIRIES: Final = 500
_FRESH_SECONDS: Final = 2.0
_OLD_SECONDS: Final = 10.0


class GapKind(StrEnum):
    """What a gap may be."""

    LATE = "late"
    MISSING = "missing"
    EXPIRED = "expired or missing"


@dataclass(frozen=True, slots=True)
class FoundGap:
    """Missing numbers, what they may be, and when the entry behind them came (microseconds)."""

    first: int
    last: int
    kind: GapKind
    seen_at: int

    @property
    def count(self) -> int:
        """How many numbers are missing."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class SourceReport:
    """A source: its ends, its gaps, and up to which number they are known. Times in microseconds."""

    source: str
    first_seq: int
    last_seq: int
    last_received_at: int
    gaps: tuple[FoundGap, ...]
    checked_to: int

    def missing(self, kind: GapKind = GapKind.MISSING) -> int:
        """Return how many numbers are missing that way."""
        return sum(gap.count for gap in self.gaps if gap.kind == kind)

    @property
    def whole(self) -> bool:
        """Whether every number was checked."""
        return self.checked_to >= self.last_seq


@dataclass(slots=True)
class _Checked:
    """Numbers from `start` to `end` were checked; `gaps` are between them."""

    start: int
    end: int
    gaps: list[Gap] = field(default_factory=list)


class Completeness:
    """Keeps what it found in memory. Belongs to one event loop; reads in a thread."""

    def __init__(self, store: SequenceStore, acts: ActStore, now: Callable[[], int]) -> None:
        """`now` returns microseconds since the epoch."""
        self._store = store
        self._acts = acts
        self._now = now
        self._checked: dict[str, _Checked] = {}
        self._reports: list[SourceReport] | None = None
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def reports(self, patience: float) -> list[SourceReport] | None:
        """Return what is known after at most `patience` seconds, by source; None while nothing is known yet.

        What is younger than `_OLD_SECONDS` is returned at once.
        """
        loop = asyncio.get_running_loop()
        if self._reading is None and loop.time() - self._read_at >= _FRESH_SECONDS:
            self._reading = loop.create_task(self._read(), name="completeness")
            self._reading.add_done_callback(_mark_seen)
        old = self._reports is None or loop.time() - self._read_at >= _OLD_SECONDS
        if self._reading is not None and old:
            done, _ = await asyncio.wait({self._reading}, timeout=patience)
            for task in done:
                task.result()
        return self._reports

    async def close(self) -> None:
        """Wait for the reading under way."""
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            self._reports = await asyncio.to_thread(self.look)
        finally:
            self._read_at = asyncio.get_running_loop().time()
            self._reading = None

    def look(self) -> list[SourceReport]:
        """Return the report of every source. Blocks; one caller at a time."""
        expired_to = self._expired_to()
        return [self._report(ends, expired_to) for ends in self._store.ends()]

    def _report(self, ends: SourceEnds, expired_to: int) -> SourceReport:
        checked = self._checked.setdefault(ends.source, _Checked(ends.first_seq, ends.first_seq))
        self._close_gaps(ends.source, checked)
        self._extend(ends, checked)
        gaps = tuple(self._found(ends.source, checked.gaps, expired_to))
        return SourceReport(ends.source, ends.first_seq, ends.last_seq, ends.last_received_at, gaps, checked.end)

    def _close_gaps(self, source: str, checked: _Checked) -> None:
        """Read the known gaps again: some of their numbers may have come."""
        if checked.gaps and (arrived := self._store.arrived(source, checked.gaps)):
            checked.gaps = [left for gap in checked.gaps for left in without(gap, arrived)]

    def _extend(self, ends: SourceEnds, checked: _Checked) -> None:
        """Read the numbers on both sides of what was read."""
        if ends.first_seq < checked.start:
            below = self._store.gaps(ends.source, ends.first_seq, checked.start, MAX_GAPS)
            if len(below) + len(checked.gaps) >= MAX_GAPS:  # too many to remember: begin anew from below
                checked.gaps, checked.end = [], ends.first_seq
            else:
                checked.gaps = below + checked.gaps
            checked.start = ends.first_seq
        room = MAX_GAPS - len(checked.gaps)
        if ends.last_seq > checked.end and room > 0:
            more = self._store.gaps(ends.source, checked.end, ends.last_seq, room)
            checked.gaps += more
            checked.end = more[-1].last + 1 if len(more) == room else ends.last_seq

    def _found(self, source: str, gaps: list[Gap], expired_to: int) -> list[FoundGap]:
        behind = self._store.received(source, [gap.last + 1 for gap in gaps[:MAX_GAPS]])
        late_from = self._now() - GRACE_SECONDS * 1_000_000
        found = []
        for gap in gaps:
            seen_at = behind.get(gap.last + 1, 0)
            kind = GapKind.EXPIRED if seen_at < expired_to else GapKind.LATE if seen_at > late_from else GapKind.MISSING
            found.append(FoundGap(gap.first, gap.last, kind, seen_at))
        return found

    def _expired_to(self) -> int:
        """Return the end of the newest month of which something expired, in microseconds; 0 for none."""
        done = self._acts.newest(ActKind.EXPIRY, _EXPIRIES, None, ActState.DONE)
        return max((parse_cohort(act.cohort).end for act in done if act.cohort), default=0)


def without(gap: Gap, arrived: Sequence[int]) -> list[Gap]:
    """Return what is left of a gap once these numbers came; they ascend."""
    left, first = [], gap.first
    for number in arrived[bisect_left(arrived, gap.first) : bisect_right(arrived, gap.last)]:
        if number > first:
            left.append(Gap(first, number - 1))
        first = number + 1
    return [*left, Gap(first, gap.last)] if first <= gap.last else left


def _mark_seen(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()  # Whoever waited for it may have gone on.

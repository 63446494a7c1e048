"""The walk through one page: candidates newest first from one stream, the others asked about them.

The stream that narrows most gives the candidates. Where even that one has an entry in every few rows, the rows
themselves are walked instead, in the order in which they lie: that passes over a row in a tenth of the time, and
reads the index from end to end where the other reads a page of it here and there.

Invariants:

* `end` only falls. No entry at or above it that matches, and that is not in the page, was passed over.
* The work of a page is bounded by its `Budget`, whatever is asked; then it ends early, with a place to go on from.
* A page makes progress: at least one step is taken before the budget is looked at.

Pure: the streams do the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tlog.storage.lookup.stream import Stream
from tlog.storage.time_blocks import BLOCK

BATCH: Final = 1024
_FIRST_BATCH: Final = 64
_REACH: Final = 512
_DENSE: Final = 40 * _REACH
_SEEK_COST: Final = 10
_MAX_ROUNDS: Final = 16


@dataclass(frozen=True, slots=True)
class Budget:
    """What one page may cost: `candidates` looked at (a seek counts as 10), and a time on `clock` in seconds."""

    candidates: int
    seconds: float
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Places:
    """Indices of one page, newest first; `next` bounds the following page from above, None at the end.

    `scanned` is how many candidates were looked at.
    """

    indices: list[int]
    next: int | None
    scanned: int


class BlockRuns(Protocol):
    """Blocks of indices worth looking at."""

    def at_or_below(self, block: int) -> int | None:
        """Return the largest such block that is at most `block`, or one above it that rules out those between."""

    def run_start(self, block: int) -> int:
        """Return the first block of the run that ends with `block`."""


class CheckedRows(Stream, Protocol):
    """The rows, to be walked like a stream or asked about candidates."""

    @property
    def widest(self) -> int:
        """How many indices may lie between the bounds of one walk."""

    def matching(self, indices: Sequence[int]) -> list[int]:
        """Return those of `indices`, which fall and are not none, that match, in their order."""


class Scan:
    """One page's walk."""

    def __init__(self, streams: Sequence[Stream], rows: CheckedRows | None, budget: Budget) -> None:
        """`rows` know what no stream knows; None: the streams, of which there is one at least, know everything."""
        self._streams = list(streams)
        self._rows = rows
        self._walks_rows = False
        self._reached = 0
        self._budget = budget
        self._deadline = budget.clock() + budget.seconds
        self._blocks: BlockRuns | None = None
        self._scanned = 0
        self._spent = 0

    def page(self, end: int, limit: int, blocks: Callable[[], BlockRuns | None]) -> Places:
        """Return the newest `limit` matches below `end`. `blocks` is asked for only if no stream is short."""
        if not self._narrowest_first(end):
            self._blocks = blocks()
            agreed = self._agree(end) if self._blocks is not None else end
            if agreed is None:
                return Places([], None, 0)
            end = agreed
            self._narrowest_first(end)
        self._walks_rows = self._rows is not None and (not self._streams or end - self._reached < _DENSE)
        if self._rows is not None and self._walks_rows:
            self._streams.insert(0, self._rows)
        if self._blocks is not None:
            self._streams = [stream.narrowed() for stream in self._streams]
        return self._walk(end, limit)

    def _walk(self, end: int, limit: int) -> Places:
        found: list[int] = []
        size, goes_on = _FIRST_BATCH, False
        while True:
            agreed = end if goes_on else self._agree(end)
            if agreed is None:
                return Places(found, None, self._scanned)
            matches, end, goes_on = self._step(agreed, size)
            found += matches
            if len(found) >= limit:
                return self._full(found[:limit])
            if end <= 0:
                return Places(found, None, self._scanned)
            if self._is_spent():
                return Places(found, end, self._scanned)
            size = min(4 * size, BATCH)

    def _step(self, end: int, size: int) -> tuple[list[int], int, bool]:
        """Return the matches of the next candidates below `end`, down to where all have been looked at, and whether
        it goes on from there as it was: within the blocks, and where the streams meet."""
        start = 0 if self._blocks is None else self._blocks.run_start((end - 1) // BLOCK) * BLOCK
        if self._rows is not None and self._walks_rows:
            start = max(start, end - self._rows.widest)
        driver, *others = self._streams
        batch = driver.below(start, end, size)
        self._scanned += len(batch)
        self._spent += len(batch) + _SEEK_COST
        kept = batch
        for stream in others:
            if kept:
                members = stream.among(kept)
                kept = [index for index in kept if index in members]
        reached = batch[-1] if len(batch) == size else start
        goes_on = bool(kept) and reached > start
        if kept and self._rows is not None and not self._walks_rows:
            kept = self._rows.matching(kept)
        return kept, reached, goes_on

    def _full(self, found: list[int]) -> Places:
        last = found[-1]
        return Places(found, last if self._lower(last) is not None else None, self._scanned)

    def _agree(self, end: int) -> int | None:
        """Return a lower `end` with nothing between that all streams and blocks have; None if there is nothing."""
        if len(self._streams) == 1 and self._blocks is None and not self._walks_rows:
            return end  # the stream's next candidates say it themselves
        for _ in range(_MAX_ROUNDS):
            agreed = self._lower(end)
            if agreed is None or agreed == end:
                return agreed
            end = agreed
        return end

    def _lower(self, end: int) -> int | None:
        for stream in self._streams:
            newest = stream.newest_below(end)
            self._spent += _SEEK_COST
            if newest is None:
                return None
            end = newest + 1
        if self._blocks is None:
            return end
        block = self._blocks.at_or_below((end - 1) // BLOCK)
        self._spent += _SEEK_COST
        return None if block is None else min(end, (block + 1) * BLOCK)

    def _narrowest_first(self, end: int) -> bool:
        """Put the stream first whose next candidates reach furthest down; return whether they are all it has."""
        if not self._streams or (len(self._streams) == 1 and self._rows is None):
            return False
        reaches = [_reach(stream, end) for stream in self._streams]
        self._spent += _SEEK_COST * len(reaches)
        order = sorted(range(len(reaches)), key=reaches.__getitem__)
        self._streams = [self._streams[place] for place in order]
        self._reached = reaches[order[0]]
        return self._reached < 0

    def _is_spent(self) -> bool:
        return self._spent >= self._budget.candidates or self._budget.clock() >= self._deadline


def _reach(stream: Stream, end: int) -> int:
    found = stream.below(0, end, _REACH)
    return found[-1] if len(found) == _REACH else -1

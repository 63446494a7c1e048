"""The drill: play the regulator, who asks for a record of about three months ago and wants proof within seconds.

For each record, picked at random from the *range of indices* of the days (never from a search: what was removed from
the database would never be picked there):

    read       what the entry says, so that there is something to ask for; not timed
    find       ask for it as somebody would who knows a person, or a target, and the day; follow the pages
    evidence   make the file that proves it
    verify     in a process of its own, which has the policy and the file

Find, evidence and verify together must end within the limit. An entry whose period is over, or that its producer
holds, is counted and another one picked; so is one that is like so many others that nobody pages through to it, for
whoever appends could make these. The log's own entries are drilled only where there are too few others.
Pure: the desk does what needs I/O, clock and randomness are passed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final, TypeVar

from tlog.client.drill_desk import Desk, DrillWindow, Known, Verified
from tlog.client.drill_question import OWN_SOURCE, Question, questions
from tlog.client.drill_result import DrilledRecord, DrillResult, Step
from tlog.errors import BareLeaf, Expired, NotFound, TlogError, VerificationFailed

T = TypeVar("T")
WINDOW_DAYS: Final = 7
"""Days before and after the day asked for."""
MAX_PAGES: Final = 50
_CHANGES: Final = 4
"""Times that an entry which changes while it is drilled is drilled anew."""
_PICKS: Final = 20
"""Indices picked for each record wanted, at most, because some may have expired."""


class TooManyAlikeError(Exception):
    """What is asked for finds more than `MAX_PAGES` pages, all of them newer: no miss, and nothing that was found."""


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """So many records of the days around a day, each within `limit` seconds; `drill` is the UUIDv7 of this drill."""

    drill: str
    around: date
    records: int
    limit: float


@dataclass(frozen=True, slots=True)
class Drilled:
    """The result, and for people: whether other days than those asked for were used, and why records were missed."""

    result: DrillResult
    oldest: bool
    reasons: dict[int, str]


def about(today: date, ago: int) -> date:
    """Return the day that many days before today; the calendar's first if there is none."""
    return today - timedelta(days=min(ago, (today - date.min).days))


async def drill(
    desk: Desk,
    plan: DrillPlan,
    clock: Callable[[], float],
    rng: Random,
    report: Callable[[int], None] = lambda _: None,
) -> Drilled:
    """Run a drill. `clock` returns seconds, `report` is told how many records are done.

    Raises `NotFound` where there is nothing to drill, and what the desk's `window` raises. Whatever fails of a record
    is its miss.
    """
    window = await desk.window(plan.around, WINDOW_DAYS)
    run = _Run(desk, plan, clock, rng)
    for index in _picks(window, plan.records, rng):
        await run.try_one(index)
        report(len(run.records))
        if run.ended:
            break
    for index in run.own:
        if not run.ended:
            await run.try_one(index, own=True)
            report(len(run.records))
    if not run.records and not window.missing and not run.alike:
        raise NotFound(
            f"nothing to drill from {window.from_day} to {window.to_day}: of the indices picked, {run.expired} have "
            f"expired and {run.bare} are leaves whose entries their producers hold"
        )
    return Drilled(run.result(window), window.oldest, run.reasons)


def _picks(window: DrillWindow, records: int, rng: Random) -> Iterator[int]:
    """Yield different indices of the window's range at random, within a bound."""
    entries = window.last - window.first + 1
    yield from (window.first + place for place in rng.sample(range(entries), min(entries, records * _PICKS)))


class _Run:
    """A drill under way."""

    def __init__(self, desk: Desk, plan: DrillPlan, clock: Callable[[], float], rng: Random) -> None:
        self._desk = desk
        self._plan = plan
        self._clock = clock
        self._rng = rng
        self.records: list[DrilledRecord] = []
        self.reasons: dict[int, str] = {}
        self.expired = 0
        self.bare = 0
        self.alike = 0
        self.own: list[int] = []

    @property
    def ended(self) -> bool:
        """Whether there are records enough, or more to pass over than there can be records."""
        return len(self.records) == self._plan.records or self.alike > self._plan.records

    async def try_one(self, index: int, *, own: bool = False) -> None:
        """Drill the record of an index, unless there is nothing to ask about; without `own`, put one of the log's own
        aside.

        A miss stands only where the entry still says the same afterwards: it may have been erased, or have expired,
        while it was looked for.
        """
        before: Known | None = None
        for _ in range(_CHANGES):
            known = await self._read(index)
            if known is None:
                return
            if known == before:
                break
            if not own and known.entry.get("source") == OWN_SOURCE:
                self.own.append(index)
                return
            try:
                missed, reason, times = await self._drill(index, known)
            except TooManyAlikeError:
                self.alike += 1
                return
            if missed is None:
                break
            before = known
        self._add(index, times, missed, reason)

    async def _read(self, index: int) -> Known | None:
        """Return what an entry says; None where it is counted as one of those that nobody can be asked about."""
        try:
            return await self._desk.read(index)
        except Expired:
            self.expired += 1
        except BareLeaf:
            self.bare += 1
        except TlogError as error:
            self._add(index, [], "read", str(error))
        return None

    async def _drill(self, index: int, known: Known) -> tuple[Step | None, str, list[float]]:
        """Return where a record was missed, None if it was not, and why; and the seconds of each step."""
        times: list[float] = []
        step: Step = "find"
        try:
            await self._timed(times, self._find(index, questions(known.entry, self._rng)))
            step = "evidence"
            evidence = await self._timed(times, self._desk.evidence(index))
            step = "verify"
            _require_same(await self._timed(times, self._desk.verify(evidence)), index, known)
        except TlogError as error:
            return step, str(error), times
        if sum(times) > self._plan.limit:
            return "limit", f"over {self._plan.limit:g} seconds", times
        return None, "", times

    async def _timed(self, times: list[float], work: Awaitable[T]) -> T:
        began = self._clock()
        try:
            return await work
        finally:
            times.append(self._clock() - began)

    async def _find(self, index: int, asked: list[Question]) -> None:
        for question in asked:
            await self._look_up(index, question)

    async def _look_up(self, index: int, question: Question) -> None:
        """Follow the pages of a look-up to the entry. Raises `NotFound`, `TooManyAlikeError`."""
        cursor, by = None, " and ".join(name for name in question.values if not name.endswith("_type"))
        for _ in range(MAX_PAGES):
            hits = await self._desk.search(question, cursor)
            if index in hits.indices:
                return
            cursor = hits.next
            if cursor is None or (hits.indices and hits.indices[-1] < index):
                raise NotFound(f"entry {index} is not found by its {by} and its time")
        raise TooManyAlikeError

    def _add(self, index: int, times: list[float], missed: Step | None, reason: str) -> None:
        find, evidence, verify = (round(1000 * seconds, 3) for seconds in (times + [0.0] * 3)[:3])
        self.records.append(
            DrilledRecord(index=index, find_ms=find, evidence_ms=evidence, verify_ms=verify, missed=missed)
        )
        if missed is not None:
            self.reasons[index] = reason

    def result(self, window: DrillWindow) -> DrillResult:
        return DrillResult(
            drill=self._plan.drill,
            from_day=window.from_day,
            to_day=window.to_day,
            first=window.first,
            last=window.last,
            missing=window.missing,
            first_missing=window.first_missing,
            limit_ms=round(1000 * self._plan.limit, 3),
            expired=self.expired,
            bare=self.bare,
            alike=self.alike,
            records=tuple(self.records),
        )


def _require_same(verified: Verified, index: int, known: Known) -> None:
    if (verified.index, verified.leaf) != (index, known.leaf):
        raise VerificationFailed(f"the evidence made for entry {index} is of another one")

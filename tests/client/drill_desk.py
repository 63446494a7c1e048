"""A desk over a few made-up entries, on which the test says what goes wrong and how long everything takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tlog.client.drill_desk import DrillWindow, Hits, Known, Verified
from tlog.client.drill_question import Question
from tlog.errors import NotFound, TlogError

DAY = "2026-03-01"
FIRST, LAST = 1000, 1999


def entry_of(index: int) -> dict[str, Any]:
    return {
        "source": "clinic",
        "action": "patient.record.read",
        "occurred_at": f"{DAY}T09:{index % 60:02}:00.000000Z",
        "actor": {"type": "employee", "id": f"e-{index % 3}"},
        "subjects": [{"id": f"p-{index}"}],
        "targets": [{"type": "record", "id": f"r-{index}"}],
    }


def leaf_of(index: int) -> bytes:
    return index.to_bytes(32)


@dataclass(slots=True)
class FakeDesk:
    """Entries 1000 to 1999. `faults` are raised by a step for an index, or for each by `step, None`."""

    faults: Mapping[tuple[str, int | None], TlogError] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    """Values by which nothing is found."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each step takes."""
    page: int = 1000
    missing: tuple[int, ...] = ()
    size: int = LAST - FIRST + 1
    other_leaf: bool = False
    erased: int | None = None
    """An entry whose subject is erased while it is looked for the first time."""
    now: float = 0.0
    looked_for: set[int] = field(default_factory=set)
    reads: list[int] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)
    around: date | None = None
    days: int | None = None

    def clock(self) -> float:
        return self.now

    def _step(self, step: str, index: int | None) -> None:
        self.now += self.seconds.get(step, 0.0)
        fault = self.faults.get((step, index)) or self.faults.get((step, None))
        if fault is not None:
            raise fault

    async def window(self, around: date, days: int) -> DrillWindow:
        self.around, self.days = around, days
        self._step("window", None)
        named = list(self.missing)
        return DrillWindow(DAY, DAY, FIRST, FIRST + self.size - 1, self.size, len(named), named, False)

    async def read(self, index: int) -> Known:
        self.reads.append(index)
        self._step("read", index)
        if index in self.missing:
            raise NotFound(f"no entry has index {index}")
        if index == self.erased and index in self.looked_for:
            return Known(entry_of(index) | {"subjects": [None]}, leaf_of(index))
        return Known(entry_of(index), leaf_of(index))

    async def search(self, question: Question, cursor: str | None) -> Hits:
        self.asked.append(question)
        self._step("find", None)
        subject = question.values.get("subject", "")
        if subject:
            self.looked_for.add(int(subject.removeprefix("p-")))
        if self.erased is not None and subject == f"p-{self.erased}":
            return Hits([], None)
        if self.lost & set(question.values.values()):
            return Hits([], None)
        found = [i for i in range(LAST, FIRST - 1, -1) if self._matches(question, entry_of(i))]
        start = 0 if cursor is None else int(cursor)
        end = start + self.page
        return Hits(found[start:end], str(end) if end < len(found) else None)

    async def evidence(self, index: int) -> bytes:
        self._step("evidence", index)
        return str(index).encode()

    async def verify(self, evidence: bytes) -> Verified:
        index = int(evidence)
        self._step("verify", index)
        return Verified(index, leaf_of(index + self.other_leaf))

    @staticmethod
    def _matches(question: Question, entry: Mapping[str, Any]) -> bool:
        said = {
            "subject": entry["subjects"][0]["id"],
            "target_type": entry["targets"][0]["type"],
            "target_id": entry["targets"][0]["id"],
            "actor_type": entry["actor"]["type"],
            "actor_id": entry["actor"]["id"],
        }
        filters = question.filters()
        in_time = filters["occurred_from"] <= entry["occurred_at"] < filters["occurred_to"]
        return in_time and all(said[name] == value for name, value in question.values.items())

"""What a drill needs of a log, wherever it runs: a regulator's desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from msgspec import Struct

from tlog.client.drill_question import Question


class DrillWindow(Struct, frozen=True):
    """The `entries` indices from `first` to `last`, received on the days from `from_day` to `to_day`, both included.

    `missing` of them have no row, the first ten of which are `first_missing`. With `oldest`, there is nothing of the
    days asked for, and these are the oldest that the log has.
    """

    from_day: str
    to_day: str
    first: int
    last: int
    entries: int
    missing: int
    first_missing: list[int]
    oldest: bool


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """What an entry says, as far as it can be read, and its 32-byte leaf."""

    entry: Mapping[str, Any]
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Hits:
    """Indices of a page, newest first, without those that can't be read; `next` is the cursor of the next page."""

    indices: Sequence[int]
    next: str | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a process that had only the policy says of evidence: that it proves this leaf at this index."""

    index: int
    leaf: bytes


class Desk(Protocol):
    """Asks one log. Every method raises `TlogError` subclasses for what did not work."""

    async def window(self, around: date, days: int) -> DrillWindow:
        """Return the window of so many days before and after a day. Raises `NotFound` for a log without entries."""
        ...

    async def read(self, index: int) -> Known:
        """Return an entry. Raises `Expired`; `BareLeaf` where its producer holds it; `NotFound` without a row."""
        ...

    async def search(self, question: Question, cursor: str | None) -> Hits:
        """Return a page of what a question finds."""
        ...

    async def evidence(self, index: int) -> bytes:
        """Return a file that proves the entry, with its core disclosed."""
        ...

    async def verify(self, evidence: bytes) -> Verified:
        """Return what a separate process, which has nothing but the policy and this file, says that it proves."""
        ...

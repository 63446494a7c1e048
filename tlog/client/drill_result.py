"""What a drill saw, as the log keeps it: numbers and days, nothing of any entry.

    {"drill": "<UUIDv7>", "from_day": "2026-02-18", "to_day": "2026-03-04", "first": 4100, "last": 9020, "missing": 0,
     "first_missing": [], "limit_ms": 5000.0, "expired": 0, "bare": 0, "alike": 0,
     "records": [{"index": 4711, "find_ms": 31.2, "evidence_ms": 18.9, "verify_ms": 101.7, "missed": null}, …]}

Times are milliseconds, indices count from 0.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from tlog.audit import fields

MAX_RECORDS: Final = 100
MAX_NAMED: Final = 10
"""Missing indices that are named, at most."""

Step = Literal["read", "find", "evidence", "verify", "limit"]
"""Where a record was missed: it has no readable row, was not found by what it says, could not be proved, its evidence
does not verify, or all of that took too long."""
Missed = Annotated[Step, Meta(description="one of read, find, evidence, verify, limit, or null")]
Index = Annotated[int, Meta(ge=0, le=2**63 - 1, description="an index, from 0")]
Milliseconds = Annotated[float, Meta(ge=0, le=86_400_000, description="milliseconds from 0 to a day")]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1, description="a number from 0")]
Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", description="a day as YYYY-MM-DD")]
Named = Annotated[list[Index], Meta(max_length=MAX_NAMED, description=f"at most {MAX_NAMED} indices")]


class DrilledRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One record: the time of each step, and where it was missed, null where it was not."""

    index: Index
    find_ms: Milliseconds
    evidence_ms: Milliseconds
    verify_ms: Milliseconds
    missed: Missed | None = None

    @property
    def total_ms(self) -> float:
        """The time that counts against the limit."""
        return round(self.find_ms + self.evidence_ms + self.verify_ms, 3)


Records = Annotated[
    tuple[DrilledRecord, ...], Meta(max_length=MAX_RECORDS, description=f"an array of at most {MAX_RECORDS} records")
]


class DrillResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drill over the indices `first` to `last`, received from `from_day` to `to_day`, both included.

    `missing` of these have no row in the database. `expired` and `bare` count what was picked and could not be asked
    about: its period is over, or its producer holds it. `alike` counts what was passed over because it is like more
    others than anybody pages through; if that was most of what was picked, the drill did not pass.
    """

    drill: fields.EntryId
    from_day: Day
    to_day: Day
    first: Index
    last: Index
    missing: Count
    first_missing: Named
    limit_ms: Milliseconds
    expired: Count
    bare: Count
    records: Records
    alike: Count = 0

    @property
    def missed(self) -> int:
        """How many records were missed."""
        return sum(record.missed is not None for record in self.records)

    @property
    def passed(self) -> bool:
        """Whether no row is missing, no record was missed, and not most were passed over as alike."""
        return not self.missing and not self.missed and not self.mostly_alike

    @property
    def mostly_alike(self) -> bool:
        """Whether more was passed over as alike than was drilled."""
        return self.alike > len(self.records)

"""What `tlog drill` prints."""

from __future__ import annotations

from typing import Any

import msgspec

from tlog.client.drill import Drilled
from tlog.client.drill_result import DrilledRecord, DrillResult
from tlog.client.words import counted

_HEAD = f"{'entry':>12}  {'find':>9}  {'evidence':>9}  {'verify':>9}  {'total':>9}"


def drill_values(done: Drilled, index: int | None) -> dict[str, Any]:
    """Return a drill as JSON data: the result as it was logged, and what else is worth knowing. `index` is that of its
    entry, None if it was not logged."""
    values: dict[str, Any] = msgspec.to_builtins(done.result)
    for record, shown in zip(done.result.records, values["records"], strict=True):
        shown["total_ms"] = record.total_ms
    return {
        "ok": done.result.passed,
        **values,
        "missed": done.result.missed,
        "oldest": done.oldest,
        "reasons": {str(number): reason for number, reason in done.reasons.items()},
        "index": index,
    }


def drill_text(done: Drilled, index: int | None) -> str:
    """Return a drill as a table."""
    lines = [_window(done), "", _HEAD, *map(_row, done.result.records)]
    passed_over = [
        f"{number} {what}"
        for number, what in (
            (done.result.expired, "expired"),
            (done.result.bare, "of which the producer holds the entry"),
            (done.result.alike, "like too many others to page through"),
        )
        if number
    ]
    if passed_over:
        lines.append(f"passed over: {', '.join(passed_over)}")
    lines += ["", miss_of(done.result) if not done.result.passed else _passed(done.result)]
    return "\n".join([*lines, *([] if index is None else [f"logged as entry {index}"])])


def miss_of(result: DrillResult) -> str:
    """Return what was missed."""
    said = []
    if result.missing:
        named = ", ".join(map(str, result.first_missing))
        more = ", …" if result.missing > len(result.first_missing) else ""
        said.append(f"{counted(result.missing, 'row')} MISSING from the database: {named}{more}; run 'tlog fsck'")
    if result.missed:
        said.append(f"{result.missed} of {counted(len(result.records), 'record')} missed")
    if result.mostly_alike:
        said.append(f"most of what was picked, {result.alike}, is like too many other entries to be found among them")
    return f"MISSED: {'; '.join(said)}"


def _passed(result: DrillResult) -> str:
    slowest = max(record.total_ms for record in result.records) / 1000
    return (
        f"passed: {counted(len(result.records), 'record')} found and verified, the slowest in {slowest:.2f} s "
        f"of {result.limit_ms / 1000:g} s; no row is missing"
    )


def _window(done: Drilled) -> str:
    result = done.result
    days = f"received from {result.from_day} to {result.to_day}: entries {result.first} to {result.last}"
    return f"nothing so long ago; the oldest days instead\n{days}" if done.oldest else days


def _row(record: DrilledRecord) -> str:
    times = (record.find_ms, record.evidence_ms, record.verify_ms, record.total_ms)
    cells = "  ".join(f"{time:>6.0f} ms" for time in times)
    missed = f"  MISSED: {record.missed}" if record.missed else ""
    return f"{record.index:>12}  {cells}{missed}"

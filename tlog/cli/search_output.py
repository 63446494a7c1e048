"""Found entries as a table for people and as CSV for spreadsheets.

CSV: a cell that a spreadsheet could take for a formula gets a leading apostrophe, as in an export for a data subject;
control characters are written as escapes. Subjects and targets are JSON arrays.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TextIO
from unicodedata import category

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tlog.audit.printable import printable
from tlog.audit.subject_access_csv import guarded
from tlog.client.search import FoundEntry

ERASED: Final = "(erased)"
_WIDE: Final = 100_000

CSV_COLUMNS: Final = (
    "index",
    "id",
    "received_at",
    "occurred_at",
    "source",
    "seq",
    "actor_type",
    "actor_id",
    "actor_name",
    "action",
    "outcome",
    "purpose",
    "legal_basis",
    "trace_id",
    "request_id",
    "retention",
    "subjects",
    "targets",
    "expires_at",
    "on_hold",
    "erased",
    "leaf",
    "problem",
)


def print_table(found: Iterable[FoundEntry]) -> None:
    """Print a table: within the terminal's width, or as wide as it takes where the output is no terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("index", "occurred at", "source", "actor", "action", "outcome", "subjects", "targets"):
        table.add_column(name, overflow="fold", justify="right" if name == "index" else "left")
    for entry in found:
        table.add_row(*(Text(printable(cell)) for cell in _row(entry)))
    width = None if sys.stdout.isatty() else _WIDE
    console = Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()), flush=True)


def csv_writer(stream: TextIO) -> Any:
    """Return a writer that has written the names of the columns."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    return writer


def csv_row(found: FoundEntry) -> list[str]:
    """Return the cells of an entry, safe for a spreadsheet."""
    return [_safe(cell) for cell in _cells(found)]


def _row(found: FoundEntry) -> Sequence[str]:
    if found.file is None:
        return (str(found.index), found.problem or "", *[""] * 6)
    entry = found.file.entry
    return (
        str(found.index),
        str(entry.get("occurred_at", "")),
        str(entry.get("source", "")),
        _actor(entry.get("actor")),
        str(entry.get("action", "")),
        str(entry.get("outcome", "")),
        ", ".join(ERASED if subject is None else str(subject["id"]) for subject in entry.get("subjects", ())),
        _targets(found, entry),
    )


def _actor(actor: Mapping[str, Any] | None) -> str:
    return ERASED if not actor else f"{actor['type']} {actor['id']}"


def _targets(found: FoundEntry, entry: Mapping[str, Any]) -> str:
    if "shared" in found.document.get("erased", ()):
        return ERASED
    return ", ".join(f"{target['type']} {target['id']}" for target in entry.get("targets", ()))


def _cells(found: FoundEntry) -> list[str]:
    if found.file is None:
        return [str(found.index), *[""] * (len(CSV_COLUMNS) - 2), found.problem or ""]
    entry, actor = found.file.entry, found.file.entry.get("actor") or {}
    subjects = [None if subject is None else subject["id"] for subject in entry.get("subjects", ())]
    targets = [{"type": target["type"], "id": target["id"]} for target in entry.get("targets", ())]
    document, correlation = found.document, entry.get("correlation") or {}
    values = {
        "index": found.index,
        "subjects": json.dumps(subjects, ensure_ascii=False) if subjects else "",
        "targets": json.dumps(targets, ensure_ascii=False) if targets else "",
        "actor_type": actor.get("type", ""),
        "actor_id": actor.get("id", ""),
        "actor_name": actor.get("name", ""),
        "trace_id": correlation.get("trace_id", ""),
        "request_id": correlation.get("request_id", ""),
        "expires_at": document.get("expires_at"),
        "on_hold": "yes" if document.get("on_hold") else "no",
        "erased": " ".join(document.get("erased", ())),
        "leaf": found.file.leaf.hex(),
        "problem": "",
    }
    cells = [values.get(name, entry.get(name)) for name in CSV_COLUMNS]
    return ["" if cell is None else str(cell) for cell in cells]


def _safe(cell: str) -> str:
    shown = "".join(ascii(char)[1:-1] if category(char) == "Cc" else char for char in cell)
    return guarded(shown)

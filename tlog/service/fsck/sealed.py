"""Do the sealed parts still open, and do they hash to the leaf that is in the tree?"""

from __future__ import annotations

from collections.abc import Mapping

from tlog.audit.fields import microseconds
from tlog.audit.opened import OpenedEntry
from tlog.errors import TlogError
from tlog.service.entries import EntryReader
from tlog.service.fsck.report import FsckReport, Progress
from tlog.storage.log_store import LogStore, StoredEntry

_PAGE = 500
_TIMES = ("occurred_at", "received_at")
_COLUMNS = (*_TIMES, "source", "seq", "action", "outcome", "retention")


def check_entries(store: LogStore, reader: EntryReader, report: FsckReport, progress: Progress) -> None:
    """Open every sealed entry under the keys of today and check it against its leaf."""
    size = store.state().size
    for start in range(0, size, _PAGE):
        indices = range(start, min(start + _PAGE, size))
        try:
            _check_page(reader, store.entries_at(indices), indices, report)
        except TlogError:
            _check_one_by_one(store, reader, indices, report)
        progress("entries", indices.stop, size)


def _check_one_by_one(store: LogStore, reader: EntryReader, indices: range, report: FsckReport) -> None:
    """Find out which row it is that cannot even be read."""
    for index in indices:
        try:
            _check_page(reader, store.entries_at([index]), range(index, index + 1), report)
        except TlogError as error:
            report.problem(f"entry {index}: {error}")


def _check_page(reader: EntryReader, rows: Mapping[int, StoredEntry], indices: range, report: FsckReport) -> None:
    # Of a bare leaf, its producer has the entry.
    sealed = [row for row in rows.values() if row.columns["entry_id"] is not None]
    outcomes = reader.open_all(sealed)
    for index in indices:
        if index not in rows:
            report.problem(f"entry {index}: its row is missing")
    for row, opened in zip(sealed, outcomes, strict=True):
        if isinstance(opened, TlogError):
            report.problem(f"entry {row.index}: {opened}")
        else:
            _check(row, opened, report)


def _check(row: StoredEntry, opened: OpenedEntry, report: FsckReport) -> None:
    for name in _COLUMNS:
        sealed = opened.entry.get(name)
        if sealed is not None and (microseconds(sealed) if name in _TIMES else sealed) != row.columns[name]:
            report.problem(f"entry {row.index}: the column '{name}' does not say what was sealed")
    report.entries_opened += 1

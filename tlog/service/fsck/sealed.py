"""Do the sealed parts still open, and do they hash to the leaf that is in the tree?"""

from __future__ import annotations

from tlog.audit.fields import microseconds
from tlog.errors import NotFound, TlogError
from tlog.service.entries import EntryReader
from tlog.service.fsck.report import FsckReport, Progress
from tlog.storage.log_store import LogStore, StoredEntry

_TIMES = ("occurred_at", "received_at")
_COLUMNS = (*_TIMES, "source", "seq", "action", "outcome", "retention")


def check_entries(store: LogStore, reader: EntryReader, report: FsckReport, progress: Progress) -> None:
    """Open every sealed entry under the keys of today and check it against its leaf."""
    size = store.state().size
    for index in range(size):
        try:
            _check(reader, reader.stored(index), report)
        except NotFound:
            report.problem(f"entry {index}: its row is missing")
        except TlogError as error:
            report.problem(f"entry {index}: {error}")
        if index % 256 == 255 or index == size - 1:
            progress("entries", index + 1, size)


def _check(reader: EntryReader, stored: StoredEntry, report: FsckReport) -> None:
    if stored.columns["entry_id"] is None:
        return  # A bare leaf: its producer holds the entry.
    entry = reader.opened(stored).entry
    for name in _COLUMNS:
        sealed = entry.get(name)
        if sealed is not None and (microseconds(sealed) if name in _TIMES else sealed) != stored.columns[name]:
            report.problem(f"entry {stored.index}: the column '{name}' does not say what was sealed")
    report.entries_opened += 1

"""Do the sealed parts still open, do they hash to the leaf that is in the tree, and say what stands beside them?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from tlog.audit.fields import microseconds
from tlog.audit.opened import OpenedEntry
from tlog.audit.part import ACTOR, SHARED, subject_label
from tlog.errors import DecryptionFailed, TlogError
from tlog.keys.keyring import Keyring
from tlog.service.entries import EntryReader, stored_cohort
from tlog.service.fsck.report import FsckReport, Progress
from tlog.storage.index_terms import unpack_terms
from tlog.storage.log_store import LogStore, StoredEntry
from tlog.storage.tables import acts

_PAGE = 500
_TIMES = ("occurred_at", "received_at")
_COLUMNS = (*_TIMES, "source", "seq", "action", "outcome", "retention")


@dataclass(frozen=True, slots=True)
class _Audit:
    """What pages are checked with. `expiring`: cohorts that an unfinished act destroys at the next start."""

    store: LogStore
    reader: EntryReader
    keyring: Keyring
    expiring: Collection[str]
    report: FsckReport


def check_entries(store: LogStore, keyring: Keyring, report: FsckReport, progress: Progress) -> None:
    """Open every sealed entry under the keys of today and check it against its leaf and its index terms."""
    audit = _Audit(store, EntryReader(store, keyring), keyring, _expiring(store), report)
    size = store.state().size
    for start in range(0, size, _PAGE):
        indices = range(start, min(start + _PAGE, size))
        try:
            _check_page(audit, store.entries_at(indices), indices)
        except TlogError:
            _check_one_by_one(audit, indices)
        progress("entries", indices.stop, size)


def _expiring(store: LogStore) -> frozenset[str]:
    query = select(acts.c.cohort).where(acts.c.kind == "expiry", acts.c.state == "begun", acts.c.cohort.is_not(None))
    with store.database.read() as connection:
        return frozenset(connection.execute(query).scalars())


def _check_one_by_one(audit: _Audit, indices: range) -> None:
    """Find out which row it is that cannot even be read."""
    for index in indices:
        try:
            _check_page(audit, audit.store.entries_at([index]), range(index, index + 1))
        except TlogError as error:
            audit.report.problem(f"entry {index}: {error}")


def _check_page(audit: _Audit, rows: Mapping[int, StoredEntry], indices: range) -> None:
    # Of a bare leaf, its producer has the entry; of an expired one, nobody.
    sealed = [row for row in rows.values() if row.columns["entry_id"] is not None]
    outcomes = audit.reader.open_all(sealed)
    for index in indices:
        if index not in rows:
            audit.report.problem(f"entry {index}: its row is missing")
    for row, opened in zip(sealed, outcomes, strict=True):
        if isinstance(opened, OpenedEntry):
            _check(audit, row, opened)
        elif not (isinstance(opened, DecryptionFailed) and stored_cohort(row) in audit.expiring):
            audit.report.problem(f"entry {row.index}: {opened}")


def _check(audit: _Audit, row: StoredEntry, opened: OpenedEntry) -> None:
    for name in _COLUMNS:
        sealed = opened.entry.get(name)
        if sealed is not None and (microseconds(sealed) if name in _TIMES else sealed) != row.columns[name]:
            audit.report.problem(f"entry {row.index}: the column '{name}' does not say what was sealed")
    for label in _unaccounted(row, opened):
        audit.report.problem(f"entry {row.index}: the part {label} and what is noted of its erasure disagree")
    if row.columns["terms"] is not None:
        _check_terms(audit, row, opened)
    audit.report.entries_opened += 1


def _unaccounted(row: StoredEntry, opened: OpenedEntry) -> set[str]:
    """Return the parts that are erased without an act, or are not although an act is noted."""
    noted = {ACTOR if part.part == 0 else subject_label(part.part - 1) for part in row.personal if part.act is not None}
    if row.columns["shared_act"] is not None:
        noted.add(SHARED)
    return noted.symmetric_difference(opened.erased)


def _check_terms(audit: _Audit, row: StoredEntry, opened: OpenedEntry) -> None:
    stored = row.columns["terms"]
    if len(stored) % 8 or set(unpack_terms(stored)) != set(audit.keyring.terms_of_document(opened.entry)):
        audit.report.problem(f"entry {row.index}: its index terms are not those of its targets and correlation")

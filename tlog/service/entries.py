"""Read entries back: find the keys that still exist, open the parts, check them against the leaf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tlog.audit.entry import Entry
from tlog.audit.opened import OpenedEntry, OpenKeys, SealedParts, erase_parts, open_entry
from tlog.errors import BareLeaf, DecryptionFailed, Expired, StorageFault, TlogError
from tlog.keys.keyring import Keyring
from tlog.storage.cohort_sizes import cohort_in_row
from tlog.storage.log_store import LogStore, StoredEntry

_deterministic = msgspec.json.Encoder(order="deterministic").encode


class EntryReader:
    """Opens stored entries, many at the cost of a few look-ups. Methods block."""

    def __init__(self, store: LogStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def stored(self, index: int) -> StoredEntry:
        """Return the sealed row. Raises `NotFound`."""
        return self._store.entry(index)

    def opened(self, stored: StoredEntry) -> OpenedEntry:
        """Return what can still be read of an entry, checked against its leaf.

        Raises `NotFound` for a leaf that its producer sealed, `Expired`; `LeafMismatch`, `DecryptionFailed` or
        `MalformedDisclosure` where the row was changed behind the log's back.
        """
        opened = self.open_all([stored])[0]
        if isinstance(opened, TlogError):
            raise opened
        return opened

    def open_all(self, rows: Sequence[StoredEntry]) -> list[OpenedEntry | TlogError]:
        """Return for each row, in order, what `opened` returns or the error it raises."""
        outcomes = self._open_all(rows)
        failed = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, DecryptionFailed)]
        if failed:
            # An erasure may have destroyed a key after the row was read: then the row says so by now.
            stored = self._store.entries_at([rows[i].index for i in failed])
            again = [i for i in failed if stored.get(rows[i].index, rows[i]) != rows[i]]
            for i, outcome in zip(again, self._open_all([stored[rows[i].index] for i in again]), strict=True):
                outcomes[i] = outcome
        return outcomes

    def _open_all(self, rows: Sequence[StoredEntry]) -> list[OpenedEntry | TlogError]:
        cohorts, persons = self._keys(rows)
        return [_open(row, cohorts, persons) for row in rows]

    def erased(self, wanted: Sequence[tuple[StoredEntry, Sequence[str]]]) -> list[dict[str, bytes] | TlogError]:
        """Return for each row what must stand in the place of its parts of these labels before their keys are
        destroyed, or the error that opening the row raises."""
        cohorts, persons = self._keys([row for row, _ in wanted])
        return [_erase(row, labels, cohorts, persons) for row, labels in wanted]

    def material(self, rows: Sequence[StoredEntry]) -> list[tuple[SealedParts, OpenKeys]]:
        """Return the stored parts of sealed rows and the keys that they open with, in order."""
        cohorts, persons = self._keys(rows)
        return [_material(row, cohorts, persons) for row in rows]

    def _keys(self, rows: Sequence[StoredEntry]) -> tuple[dict[str, bytes], dict[int, bytes]]:
        sealed = [row for row in rows if row.columns["core"] is not None]
        key_ids = [part.key_id for row in sealed for part in row.personal if part.key_id is not None]
        return self._keyring.cohort_keys([stored_cohort(row) for row in sealed]), self._keyring.person_keys(key_ids)

    def changed(self, entries: Mapping[int, Entry]) -> list[int]:
        """Return those indices whose entry says something else than the one given, as far as it can be read.

        Raises what `opened` raises.
        """
        rows = list(self._store.entries_at(list(entries)).values())
        changed = []
        for row, opened in zip(rows, self.open_all(rows), strict=True):
            if isinstance(opened, TlogError):
                raise opened
            if _canonical(opened.entry, opened.erased) != _canonical(_document(entries[row.index]), opened.erased):
                changed.append(row.index)
        return sorted(changed)


def stored_cohort(row: StoredEntry) -> str:
    """Return the name of the cohort that an entry is sealed under."""
    return cohort_in_row(row.columns["cohort"], row.columns["retention"], row.columns["received_at"])


def _open(row: StoredEntry, cohorts: Mapping[str, bytes], persons: Mapping[int, bytes]) -> OpenedEntry | TlogError:
    columns = row.columns
    if columns["act"] is not None:
        return Expired(f"entry {row.index} has expired: of it there is an index and a hash", columns["act"])
    if columns["entry_id"] is None or columns["core"] is None:
        return BareLeaf(f"index {row.index} is a bare leaf: its producer, not this log, holds its entry")
    if not row.personal:
        return StorageFault(f"the personal parts of entry {row.index} are missing from the database")
    try:
        return open_entry(*_material(row, cohorts, persons))
    except TlogError as error:
        return error


def _erase(
    row: StoredEntry, labels: Sequence[str], cohorts: Mapping[str, bytes], persons: Mapping[int, bytes]
) -> dict[str, bytes] | TlogError:
    try:
        return erase_parts(*_material(row, cohorts, persons), labels)
    except TlogError as error:
        return error


def _material(
    row: StoredEntry, cohorts: Mapping[str, bytes], persons: Mapping[int, bytes]
) -> tuple[SealedParts, OpenKeys]:
    columns = row.columns
    actor, *subjects = (part.ciphertext for part in row.personal)
    actor_key, *subject_keys = (None if part.key_id is None else persons.get(part.key_id) for part in row.personal)
    parts = SealedParts(columns["entry_id"], row.leaf, columns["core"], actor, tuple(subjects), columns["shared"])
    return parts, OpenKeys(cohorts.get(stored_cohort(row)), actor_key, tuple(subject_keys))


def _document(entry: Entry) -> dict[str, Any]:
    return dict(msgspec.json.decode(msgspec.json.encode(entry)))


def _canonical(document: dict[str, Any], erased: tuple[str, ...]) -> bytes:
    """Return one text for one content. Numbers are compared as JSON writes them: 1, 1.0 and true are three things."""
    return _deterministic(_said(document, erased))


def _said(document: dict[str, Any], erased: tuple[str, ...]) -> dict[str, Any]:
    """Return what a document says, in one form: without the log's own field and without what was erased."""
    left_out = ("received_at", *_fields(erased))
    said = {name: value for name, value in document.items() if name not in left_out and value not in ({}, [])}
    said.setdefault("retention", "standard")
    if any(label.startswith("subjects[") for label in erased):
        kept = [i for i in range(len(said.get("subjects", ()))) if f"subjects[{i}]" not in erased]
        said["subjects"] = [said["subjects"][i] for i in kept]
    return said


def _fields(erased: tuple[str, ...]) -> tuple[str, ...]:
    shared = ("targets", "details", "correlation") if "shared" in erased else ()
    return (*shared, "actor") if "actor" in erased else shared

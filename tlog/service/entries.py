"""Read entries back: find the keys that still exist, open the parts, check them against the leaf."""

from __future__ import annotations

from typing import Any

import msgspec

from tlog.audit.entry import Entry
from tlog.audit.opened import OpenedEntry, OpenKeys, SealedParts, open_entry
from tlog.errors import NotFound
from tlog.keys.keyring import Keyring
from tlog.storage.log_store import LogStore, StoredEntry


class EntryReader:
    """Opens stored entries. Methods block."""

    def __init__(self, store: LogStore, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def stored(self, index: int) -> StoredEntry:
        """Return the sealed row. Raises `NotFound`."""
        return self._store.entry(index)

    def opened(self, stored: StoredEntry) -> OpenedEntry:
        """Return what can still be read of an entry, checked against its leaf.

        Raises `NotFound` for a leaf that its producer sealed; `LeafMismatch`, `DecryptionFailed` or
        `MalformedDisclosure` where the row was changed behind the log's back.
        """
        columns = stored.columns
        if columns["entry_id"] is None or columns["core"] is None:
            raise NotFound(f"index {stored.index} is a bare leaf: its producer, not this log, holds its entry")
        actor, *subjects = (part.ciphertext for part in stored.personal)
        parts = SealedParts(
            columns["entry_id"], stored.leaf, columns["core"], actor, tuple(subjects), columns["shared"]
        )
        return open_entry(parts, self._keys(stored))

    def holds(self, index: int, entry: Entry) -> bool:
        """Whether the entry at `index` says what `entry` says, as far as it can still be read."""
        opened = self.opened(self.stored(index))
        return _said(opened.entry, opened.erased) == _said(_document(entry), opened.erased)

    def _keys(self, stored: StoredEntry) -> OpenKeys:
        cohort = self._keyring.cohort_key(stored.columns["retention"], stored.columns["received_at"])
        actor, *subjects = self._keyring.person_keys([part.key_id for part in stored.personal])
        return OpenKeys(cohort, actor, tuple(subjects))


def _document(entry: Entry) -> dict[str, Any]:
    return dict(msgspec.json.decode(msgspec.json.encode(entry)))


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

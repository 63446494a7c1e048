"""Read entries back: find the keys that still exist, open the parts, check them against the leaf."""

from __future__ import annotations

from tlog.audit.opened import OpenedEntry
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

        Raises `NotFound` for a bare leaf, `LeafMismatch` or `DecryptionFailed` where the row was changed.
        """
        raise NotImplementedError

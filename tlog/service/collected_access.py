"""What is found for an export, each entry once, within the bounds of one file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from tlog.audit.evidence import MAX_ENTRIES as MAX_PROVED
from tlog.audit.fields import instant
from tlog.audit.subject_access import MAX_ENTRIES, AccessEntry, Unreadable
from tlog.audit.subject_access_view import View, Viewer
from tlog.errors import MalformedDisclosure, TlogError, TooLarge
from tlog.service.evidence import Provable
from tlog.service.lookup import Found
from tlog.storage.log_store import StoredEntry

MAX_SHOWN_BYTES: Final = 16 << 20
_LOST: Final = "its row is gone from the log's database, by no act of the log"
FEWER: Final = "ask for shorter periods with from and to; nothing was made"


class CollectedAccess:
    """What was found so far. `views` and `unreadable` by index; `provable` are those to be proved."""

    def __init__(self, viewer: Viewer, expires_at: Callable[[StoredEntry], str | None]) -> None:
        self._viewer = viewer
        self._expires_at = expires_at
        self._bytes = 0
        self.views: dict[int, View] = {}
        self.unreadable: dict[int, Unreadable] = {}
        self.provable: dict[int, Provable] = {}

    def add(self, found: Found, *, keep: bool) -> None:
        """Take an entry; `keep` it whole, to be proved. Raises `TooLarge`."""
        index = found.stored.index
        if index in self.views or index in self.unreadable:
            return
        view = self._view(found)
        if isinstance(view, TlogError):
            self.unreadable[index] = _unreadable(found.stored, view)
        else:
            self._bytes += _size(view.entry)
            self.views[index] = view
            if keep and not isinstance(found.opened, TlogError):
                self.provable[index] = Provable(found.stored, found.opened)
        self._require_room(keep)

    def add_lost(self, index: int) -> None:
        """Take an entry of which nothing is stored any more but that it names the person. Raises `TooLarge`."""
        self.unreadable[index] = Unreadable(index=index, received_at=None, source=None, action=None, problem=_LOST)
        self._require_room(False)

    def _view(self, found: Found) -> View | TlogError:
        if isinstance(found.opened, TlogError):
            return found.opened
        try:
            return self._viewer.view(found.stored.index, found.opened, self._expires_at(found.stored))
        except MalformedDisclosure as error:
            return error

    def _require_room(self, keep: bool) -> None:
        if len(self.views) + len(self.unreadable) > MAX_ENTRIES:
            raise TooLarge(f"over {MAX_ENTRIES} entries are about this person; {FEWER}")
        if self._bytes > MAX_SHOWN_BYTES:
            raise TooLarge(f"what the entries say has more than {MAX_SHOWN_BYTES} bytes; {FEWER}")
        if keep and len(self.views) > MAX_PROVED:
            raise TooLarge(f"evidence proves at most {MAX_PROVED} entries in one file; {FEWER}")


def _unreadable(stored: StoredEntry, error: TlogError) -> Unreadable:
    columns = stored.columns
    return Unreadable(
        index=stored.index,
        received_at=instant(columns["received_at"]),
        source=columns["source"],
        action=columns["action"],
        problem=str(error),
    )


def _size(entry: AccessEntry) -> int:
    return len(msgspec.json.encode(entry))

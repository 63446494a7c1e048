"""The cursor of a look-up: where the next page begins, bound to the filters that it belongs to.

    base64url, without padding, of:  index below which the next page begins (8 bytes) ‖ tag (8 bytes)

The tag is a keyed hash of index and filters. A plain one would let who sees a cursor try out whom it asks about.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hmac import compare_digest
from typing import Final

from tlog.errors import CursorInvalid
from tlog.service.lookup_filters import Filters
from tlog.storage.roles import EVERYTHING, RowScope

_CHARACTERS: Final = 22


class Cursors:
    """Makes cursors and reads them back."""

    def __init__(self, keyed_hash: Callable[[str], int]) -> None:
        """`keyed_hash` makes a signed 64-bit number of a text."""
        self._hash = keyed_hash

    def make(self, below: int, filters: Filters, scope: RowScope = EVERYTHING) -> str:
        """Return the cursor for the entries below an index."""
        limits = "" if scope == EVERYTHING else f" {scope.own} {scope}"
        tag = self._hash(f"{below} {filters.canonical()}{limits}")
        return urlsafe_b64encode(below.to_bytes(8) + tag.to_bytes(8, signed=True)).decode().rstrip("=")

    def read(self, cursor: str, filters: Filters, scope: RowScope = EVERYTHING) -> int:
        """Return the index below which the page begins. Raises `CursorInvalid`."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"==")
        except (binascii.Error, UnicodeEncodeError):
            raw = b""
        if len(cursor) != _CHARACTERS or len(raw) != 16:
            raise CursorInvalid("cursor: not the `next` of a page of this log")
        below = int.from_bytes(raw[:8])
        if not compare_digest(cursor, self.make(below, filters, scope)):
            raise CursorInvalid("cursor: it belongs to other filters; send it with those of the page that gave it")
        return below

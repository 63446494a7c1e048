"""The cursor of a look-up: where the next page begins, bound to the filters that it belongs to.

    base64url, without padding, of:  index below which the next page begins (8 bytes) ‖ tag (8 bytes)

The tag is a keyed hash of index and filters. A plain one would let who sees a cursor try out whom it asks about.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from struct import error as StructError
from struct import pack, unpack
from typing import Final

from tlog.errors import CursorInvalid
from tlog.service.lookup_filters import Filters

_FORM: Final = ">qq"
_CHARACTERS: Final = 22


class Cursors:
    """Makes cursors and reads them back."""

    def __init__(self, keyed_hash: Callable[[str], int]) -> None:
        """`keyed_hash` makes a signed 64-bit number of a text."""
        self._hash = keyed_hash

    def make(self, below: int, filters: Filters) -> str:
        """Return the cursor for the entries below an index."""
        return urlsafe_b64encode(pack(_FORM, below, self._tag(below, filters))).decode().rstrip("=")

    def read(self, cursor: str, filters: Filters) -> int:
        """Return the index below which the page begins. Raises `CursorInvalid`."""
        try:
            below, tag = unpack(_FORM, urlsafe_b64decode(cursor.encode("ascii") + b"=="))
        except (ValueError, StructError):  # binascii's error and UnicodeEncodeError are ValueErrors
            below, tag = -1, 0
        if len(cursor) != _CHARACTERS or below < 0:
            raise CursorInvalid("cursor: not the `next` of a page of this log")
        if tag != self._tag(below, filters):
            raise CursorInvalid("cursor: it belongs to other filters; send it with those of the page that gave it")
        return int(below)

    def _tag(self, below: int, filters: Filters) -> int:
        return self._hash(f"{below} {filters.canonical()}")

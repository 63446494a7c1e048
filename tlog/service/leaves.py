"""Leaves that their producers sealed: appended as they are, where a log takes them."""

from __future__ import annotations

from typing import Final

from tlog.errors import Forbidden, Malformed, StorageFault
from tlog.service.sequencer import Sequencer
from tlog.service.settings import LogSettings
from tlog.storage.append_store import Appended, NewRow, SealedRequest

SEALED_LEAF_BYTES: Final = 32
MAX_RAW_LEAF_BYTES: Final = (1 << 16) - 1


class Leaves:
    """Appends leaves. Belongs to one event loop."""

    def __init__(self, sequencer: Sequencer, settings: LogSettings) -> None:
        self._sequencer = sequencer
        self._settings = settings

    def require_taken(self) -> None:
        """Raise `Forbidden` unless this log takes leaves that their producers sealed."""
        if not (self._settings.raw_leaves or self._settings.sealed_by_producers):
            raise Forbidden(
                "this log takes audit entries, which it seals itself (POST /v1/entries), and no leaves: "
                "it would take them with sealed_by_producers = true in [settings]; nothing was stored"
            )

    async def append(self, leaf: bytes) -> int:
        """Append a leaf and return its index; durable on return.

        Raises `Forbidden` where the log takes audit entries only: of such a leaf nobody here can tell whose entry it
        is. `Malformed` for a wrong length, `Overloaded`, `Unavailable`, `LogHalted`, `StorageFault`.
        """
        self.require_taken()
        self._check(leaf)
        with self._sequencer.reserve(1, len(leaf)):
            outcome = await self._sequencer.append(SealedRequest([NewRow(leaf)], 0))
        if not isinstance(outcome, Appended):
            raise StorageFault("a leaf without an id was taken for a known one")
        return outcome.start

    def _check(self, leaf: bytes) -> None:
        if self._settings.raw_leaves:
            if len(leaf) > MAX_RAW_LEAF_BYTES:
                raise Malformed(f"a leaf has at most {MAX_RAW_LEAF_BYTES} bytes, this one has {len(leaf)}")
        elif len(leaf) != SEALED_LEAF_BYTES:
            raise Malformed(f"a sealed leaf has {SEALED_LEAF_BYTES} bytes, this one has {len(leaf)}")

"""Append entries: seal, sequence, and settle retries.

An entry's `id` makes a retry harmless: it is answered with the first index. An id that comes again with
*other* content is refused, because answering "stored" would lose the new event; so the stored entry is
opened and compared. Where parts of it were erased, what is left is compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from tlog.errors import Conflict, Unavailable
from tlog.service.entries import EntryReader
from tlog.service.intake import AppendRequest, read_request
from tlog.service.sealing import Sealing
from tlog.service.sequencer import Sequencer
from tlog.storage.append_store import Appended, NewRow, SealedRequest, StaleKeys

_ENTRY_BYTES: Final = 512
"""About what an entry has: a request holds its place in the queue before it is known how many there are."""

_SEALINGS: Final = 5
"""How often a request is sealed again because an erasure withdrew keys meanwhile; each waits for the last."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an entry stands. `duplicate`: it was there already, and this is its first index."""

    id: str
    index: int
    duplicate: bool


class Appender:
    """Appends requests of entries, each all or none."""

    def __init__(self, sealing: Sealing, sequencer: Sequencer, reader: EntryReader) -> None:
        self._sealing = sealing
        self._sequencer = sequencer
        self._reader = reader

    async def append(self, request: AppendRequest) -> list[Placement]:
        """Return each entry's index, in the request's order; durable on return.

        Raises `EntryInvalid` with every fault, `Forbidden` for another source, `Conflict` for a known id with
        other content or a `seq` of another id, `TooLarge`, `Overloaded`, `Unavailable`, `LogHalted`,
        `StorageFault`. Nothing of the request is stored then.
        """
        size = len(request.body)
        with self._sequencer.reserve(1 + size // _ENTRY_BYTES, size):
            return await self._append(request)

    async def _append(self, request: AppendRequest) -> list[Placement]:
        for _ in range(_SEALINGS):
            sealed = await self._sealing.seal(request)
            placements = await self._store(request, sealed)
            if not isinstance(placements, StaleKeys):
                return placements
            self._sealing.enter(placements.epoch)
        raise Unavailable("keys were withdrawn again and again while this was sealed; nothing of it was stored")

    async def _store(self, request: AppendRequest, sealed: SealedRequest) -> list[Placement] | StaleKeys:
        known: dict[bytes, int] = {}
        start = 0
        while new := [row for row in sealed.rows if row.entry_id not in known]:
            outcome = await self._sequencer.append(SealedRequest(new, sealed.epoch))
            if isinstance(outcome, Appended):
                start = outcome.start
                break
            if isinstance(outcome, StaleKeys):
                return outcome
            repeated = {entry_id: index for entry_id, index in outcome.indices.items() if entry_id not in known}
            await asyncio.to_thread(self._require_same, request, repeated)
            known |= repeated
        return _placements(sealed.rows, known, start)

    def _require_same(self, request: AppendRequest, known: dict[bytes, int]) -> None:
        again = {}
        for entry in read_request(request):
            index = known.get(UUID(entry.id).bytes)
            if index is not None:
                again[index] = entry
        if changed := self._reader.changed(again):
            entry = again[changed[0]]
            raise Conflict(
                f"id {entry.id} is in the log already, with other content ({len(changed)} such in this request); "
                "nothing of it was stored"
            )


def _placements(rows: Sequence[NewRow], known: dict[bytes, int], start: int) -> list[Placement]:
    placements = []
    for row in rows:
        entry_id = row.entry_id or b""
        first = known.get(entry_id)
        placements.append(Placement(str(UUID(bytes=entry_id)), start if first is None else first, first is not None))
        start += first is None
    return placements

"""Append entries: seal, sequence, and settle retries.

An entry's `id` makes a retry harmless: it is answered with the first index. An id that comes again with
*other* content is refused, because answering "stored" would lose the new event; so the stored entry is
opened and compared. Where parts of it were erased, what is left is compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tlog.audit.entry import Entry
from tlog.errors import Conflict, EntryInvalid, Fault
from tlog.service.entries import EntryReader
from tlog.service.sealer import Sealer
from tlog.service.sequencer import Sequencer
from tlog.storage.append_store import Appended


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an entry stands. `duplicate`: it was there already, and this is its first index."""

    index: int
    duplicate: bool


class Appender:
    """Appends requests of entries, each all or none."""

    def __init__(self, sealer: Sealer, sequencer: Sequencer, reader: EntryReader) -> None:
        self._sealer = sealer
        self._sequencer = sequencer
        self._reader = reader

    async def append(self, entries: Sequence[Entry], size: int) -> list[Placement]:
        """Return each entry's index; durable on return. `size` is the request's bytes as received.

        Raises `EntryInvalid` for an id that is twice in the request, `Conflict` for a known id with other
        content or a `seq` of another id, `Overloaded`, `Unavailable`, `LogHalted`, `StorageFault`. Nothing
        of the request is stored then.
        """
        _refuse_repeated_ids(entries)
        with self._sequencer.reserve(len(entries), size):
            return await self._append(entries)

    async def _append(self, entries: Sequence[Entry]) -> list[Placement]:
        rows = await asyncio.to_thread(self._sealer.seal_rows, entries)
        known: dict[bytes, int] = {}
        start = 0
        while new := [row for row in rows if row.entry_id not in known]:
            outcome = await self._sequencer.append(new)
            if isinstance(outcome, Appended):
                start = outcome.start
                break
            repeated = {entry_id: index for entry_id, index in outcome.indices.items() if entry_id not in known}
            await asyncio.to_thread(self._require_same, entries, repeated)
            known |= repeated
        return _placements([row.entry_id for row in rows], known, start)

    def _require_same(self, entries: Sequence[Entry], known: dict[bytes, int]) -> None:
        for entry in entries:
            index = known.get(UUID(entry.id).bytes)
            if index is not None and not self._reader.holds(index, entry):
                raise Conflict(
                    f"id {entry.id} is entry {index} already, with other content; nothing of this request was stored"
                )


def _placements(ids: Sequence[bytes | None], known: dict[bytes, int], start: int) -> list[Placement]:
    placements = []
    for entry_id in ids:
        if entry_id is not None and entry_id in known:
            placements.append(Placement(known[entry_id], duplicate=True))
        else:
            placements.append(Placement(start, duplicate=False))
            start += 1
    return placements


def _refuse_repeated_ids(entries: Sequence[Entry]) -> None:
    first: dict[str, int] = {}
    faults = []
    for position, entry in enumerate(entries):
        earlier = first.setdefault(entry.id.lower(), position)
        if earlier != position:
            faults.append(Fault(f"[{position}].id", f"the same id as [{earlier}]; an id names one entry"))
    if faults:
        raise EntryInvalid(faults)

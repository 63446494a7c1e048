"""Append any number of entries in requests of bounded size, one after the other, in their order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Final

from tlog.client.answers import Place
from tlog.client.client import LogClient
from tlog.client.ndjson import Line, at_line, batches
from tlog.client.words import counted
from tlog.errors import Conflict, EntryInvalid, Fault, TooLarge, Unavailable

MAX_REQUEST_BYTES: Final = 4 << 20  # half of what the log takes
_ASK_SECONDS: Final = 10
_PLACE_IN_TEXT = re.compile(r"\[([0-9]{1,6})\]: (.*)", re.DOTALL)
_PLACE = re.compile(r"\[([0-9]+)\]\.?(.*)", re.DOTALL)


class Upload:
    """Counts what the log said is stored.

    `stored` counts every entry that the log has now, also the `duplicates` among them: entries that it had
    before this upload, or has by an attempt whose answer was lost. `highest` is the largest index so far, with its
    entry. `status` is the stage that all of them have reached, `note` the log's reason why it is no later one.
    """

    def __init__(self, client: LogClient, max_entries: int, progress: Callable[[int], None] | None = None) -> None:
        """`max_entries` bounds a request; `progress` is told how many more entries are stored."""
        self._client = client
        self._max_entries = max_entries
        self._progress = progress
        self.stored = 0
        self.duplicates = 0
        self.lowest: int | None = None
        self.highest: tuple[int, Line] | None = None
        self.status = "durable"
        self.note: str | None = None

    @property
    def nothing_stored(self) -> bool:
        """Whether it is certain that the log has nothing by this upload."""
        return self.highest is None and not self._client.unsettled

    async def send(self, lines: Sequence[Line]) -> None:
        """Append entries; all are durable on return. What was stored before an error stays counted.

        Raises `EntryInvalid` and `Conflict` with line numbers, and what `LogClient.append` raises.
        """
        for batch in batches(lines, self._max_entries, MAX_REQUEST_BYTES):
            await self._send(batch)

    async def wait(self, stage: str, seconds: float) -> None:
        """Return once every entry sent is at `stage`. Raises `Unavailable` after `seconds`."""
        if self.highest is None:
            self.status = stage
            return
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while (left := end - clock()) > 0:
            # The last entry again, by its id: the answer says how far the tree it is in has come.
            patience = max(1, min(_ASK_SECONDS, int(left)))
            answer = await self._client.append([self.highest[1]], stage, patience)
            self.status, self.note = answer.status, answer.note
            if answer.status == stage:
                return
        why = f": {self.note}" if self.note else ""
        raise Unavailable(f"not {stage} after {counted(seconds, 'second')}{why}")

    def summary(self) -> str:
        """Return, for people, how many entries are stored and where."""
        if self.highest is None:
            return "0 entries are stored"
        where = f"index {self.lowest}" if self.stored == 1 else f"indices {self.lowest} to {self.highest[0]}"
        known = f", {self.duplicates} of them already before" if self.duplicates else ""
        return f"{counted(self.stored, 'entry is', 'entries are')} stored ({where}{known})"

    async def _send(self, batch: Sequence[Line]) -> None:
        try:
            answer = await self._client.append(batch)
        except TooLarge:
            if len(batch) == 1:
                raise
            middle = len(batch) // 2
            await self._send(batch[:middle])
            await self._send(batch[middle:])
        except EntryInvalid as error:
            raise EntryInvalid([_in_file(batch, fault) for fault in error.faults]) from None
        except Conflict as error:
            fault = _in_file(batch, Fault("", str(error)))
            raise Conflict(f"{fault.path}: {fault.message}" if fault.path else fault.message) from None
        else:
            self._count(batch, answer.entries)

    def _count(self, batch: Sequence[Line], places: Sequence[Place]) -> None:
        self.stored += len(places)
        self.duplicates += sum(place.duplicate for place in places)
        place, line = max(zip(places, batch, strict=True), key=lambda pair: pair[0].index)
        lowest = min(place.index for place in places)
        self.lowest = lowest if self.lowest is None else min(self.lowest, lowest)
        if self.highest is None or place.index > self.highest[0]:
            self.highest = place.index, line
        if self._progress is not None:
            self._progress(len(places))


def _in_file(batch: Sequence[Line], fault: Fault) -> Fault:
    """Return a fault with the line's number in place of its place in the request, in the path or the message."""
    if not fault.path and (found := _PLACE_IN_TEXT.fullmatch(fault.message)) and int(found[1]) < len(batch):
        return at_line(batch[int(found[1])].number, Fault("", found[2]))
    found = _PLACE.fullmatch(fault.path)
    if found is None or int(found[1]) >= len(batch):
        return fault
    return at_line(batch[int(found[1])].number, Fault(found[2], fault.message))

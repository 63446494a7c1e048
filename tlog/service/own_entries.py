"""The log's own entries: what it did to itself, appended to itself.

They have the source `tlog`, which no token can have, and sequence numbers of their own. None has a data subject: what
an entry shares with a subject goes with them, and who looked at what is to outlive everybody's erasure. The id of the
entry of an act is the act's id, so that an act is logged once, however often its logging is repeated. Ids are one
space for all sources, and an act's is known before it is logged: where a source took it, the entry has the next of a
chain of ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from tlog.audit.entry import JSON, Actor, new_entry_id
from tlog.audit.fields import instant
from tlog.errors import EntryInvalid, NotFound, Overloaded, StorageFault, TlogError
from tlog.service.appender import Appender
from tlog.service.intake import AppendRequest
from tlog.storage.act_store import ActStore
from tlog.storage.log_store import LogStore, StoredEntry

SOURCE: Final = "tlog"
SERVICE: Final = Actor(type="service", id=SOURCE)
"""Who acts when nobody asked: expiry, what a restart finishes."""
RETENTION: Final = "standard"
_ATTEMPTS: Final = 60
_TAKEN: Final = b"own entry"
_TOGETHER: Final = 256
_encode = msgspec.json.encode


class OwnEntries:
    """Appends the log's own entries. Belongs to one event loop.

    Its entries are numbered without gaps under one lock; what comes while one append is under way goes into the next
    together.
    """

    def __init__(
        self,
        appender: Appender,
        store: LogStore,
        acts: ActStore,
        now: Callable[[], int],
        retention: str = RETENTION,
    ) -> None:
        """`now` returns microseconds since the epoch."""
        self._appender = appender
        self._store = store
        self._acts = acts
        self._now = now
        self._retention = retention
        self._turn = asyncio.Lock()
        self._next: int | None = None
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def log(  # noqa: PLR0913 - the fields of an entry
        self,
        act_id: bytes,
        actor: Actor,
        action: str,
        outcome: Literal["allowed", "denied", "failed"],
        details: Mapping[str, Any],
        *,
        purpose: str,
        legal_basis: str | None = None,
        targets: Sequence[Mapping[str, str]] = (),
    ) -> int:
        """Append the entry of an act, unless it is there already, and return its index; durable on return.

        Waits while the queue is full. Raises what `Appender.append` raises.
        """
        values = {
            "actor": actor,
            "action": action,
            "outcome": outcome,
            "purpose": purpose,
            "legal_basis": legal_basis,
            "details": details,
            "targets": targets,
        }
        return await self.log_fields(act_id, values)

    async def log_fields(self, act_id: bytes, values: Mapping[str, Any]) -> int:
        """Append the entry of an act with these fields as `log` does; `occurred_at` is now unless it is given."""
        for _ in range(_ATTEMPTS):
            try:
                return await self._log_once(act_id, values)
            except Overloaded as error:
                await asyncio.sleep(error.retry_after)  # without the lock: reads are refused at once meanwhile
        return await self._log_once(act_id, values)

    async def _log_once(self, act_id: bytes, values: Mapping[str, Any]) -> int:
        async with self._turn:
            entry_id, index = await asyncio.to_thread(self._place, act_id)
            return (await self._append([{**values, "id": str(UUID(bytes=entry_id))}]))[0] if index is None else index

    def find(self, act_id: bytes) -> StoredEntry | None:
        """Return the row of an act's entry, None where it was not logged yet. Blocks."""
        index = self._place(act_id)[1]
        return None if index is None else self._store.entry(index)

    def may_be_there(self, act_ids: Sequence[bytes]) -> set[bytes]:
        """Return those of these acts of which there may be an entry, in one look-up; `find` says it of one. Blocks."""
        return set(self._store.known_ids(act_ids))

    def _place(self, act_id: bytes) -> tuple[bytes, int | None]:
        """Return the id of an act's entry, and its index where it is there: an entry of a source is none. Blocks."""
        entry_id = act_id
        while True:
            try:
                index = self._store.index_of(entry_id)
            except NotFound:
                return entry_id, None
            if self._store.entry(index).columns["source"] == SOURCE:
                return entry_id, index
            entry_id = derived_id(_TAKEN, entry_id)

    async def note(self, actor: Actor, action: str, details: Mapping[str, Any], *, purpose: str) -> int:
        """Append an entry that no act stands behind, under an id of its own, and return its index."""
        new_id = UUID(new_entry_id()).bytes
        return await self.log(new_id, actor, action, "allowed", details, purpose=purpose)

    async def record(self, values: Mapping[str, Any]) -> int:
        """Append an entry of these fields, under an id of its own, and return its index; durable on return.

        Does not wait for a full queue: whoever asked is refused. Raises what `Appender.append` raises.
        """
        waiting = _Waiting(dict(values), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._drain(), name="own entries")
        return await asyncio.shield(waiting.index)

    async def stop(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await self._task

    async def _drain(self) -> None:
        try:
            while self._waiting:
                async with self._turn:
                    batch, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
                    await self._append_all(batch)
        finally:
            self._task = None

    async def _append_all(self, batch: Sequence[_Waiting]) -> None:
        try:
            indices = await self._append([waiting.values for waiting in batch])
        except EntryInvalid as error:
            if len(batch) == 1:
                batch[0].refuse(error)
            else:  # one that can never be stored keeps no other back
                for waiting in batch:
                    await self._append_all([waiting])
        except TlogError as error:
            for waiting in batch:
                waiting.refuse(error)
        except Exception as error:
            for waiting in batch:
                waiting.refuse(StorageFault(f"an entry of the log's own could not be made: {type(error).__name__}"))
        else:
            for waiting, index in zip(batch, indices, strict=True):
                waiting.index.set_result(index)

    async def _append(self, entries: Sequence[Mapping[str, Any]]) -> list[int]:
        """Number, append and return the indices; the caller holds the lock."""
        if self._next is None:
            self._next = await asyncio.to_thread(self._acts.next_seq, SOURCE)
        common = {"schema": 1, "source": SOURCE, "occurred_at": instant(self._now()), "retention": self._retention}
        documents = [{**common, **values, "seq": self._next + i} for i, values in enumerate(entries)]
        first, self._next = self._next, None  # whatever happens now, the database knows how far it came
        placed = await self._appender.append(AppendRequest(_encode(documents), JSON, frozenset({SOURCE})))
        self._next = first + len(documents)
        return [place.index for place in placed]


@dataclass(frozen=True, slots=True)
class _Waiting:
    values: dict[str, Any]
    index: asyncio.Future[int]

    def refuse(self, error: TlogError) -> None:
        self.index.set_exception(error)
        self.index.exception()  # Mark as seen: the caller may have gone away.


def derived_id(purpose: bytes, entry_id: bytes) -> bytes:
    """Return the 16 bytes of another UUIDv7 (RFC 9562 section 5.7): of the same time, and the same whenever asked."""
    drawn = sha256(b"tlog " + purpose + b"\0" + entry_id).digest()
    return bytes([*entry_id[:6], 0x70 | drawn[0] & 0x0F, drawn[1], 0x80 | drawn[2] & 0x3F, *drawn[3:10]])

"""The log's own entries: what it did to itself, appended to itself.

They have the source `tlog`, which no token can have, and sequence numbers of their own. The id of the entry of an act
is the act's id, so that an act is logged once, however often its logging is repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from tlog.audit.entry import JSON, Actor, Subject, new_entry_id
from tlog.audit.fields import instant
from tlog.errors import NotFound, Overloaded
from tlog.service.appender import Appender
from tlog.service.intake import AppendRequest
from tlog.storage.act_store import ActStore
from tlog.storage.log_store import LogStore

SOURCE: Final = "tlog"
SERVICE: Final = Actor(type="service", id=SOURCE)
"""Who acts when nobody asked: expiry, what a restart finishes."""
RETENTION: Final = "standard"
_ATTEMPTS: Final = 60
_encode = msgspec.json.encode


def token_actor(name: str, authorised_by: str | None = None) -> Actor:
    """Return the actor of an act: the token that asked for it, and the person who authorised it."""
    return Actor(type="token", id=name, name=authorised_by)


class OwnEntries:
    """Appends the log's own entries. Belongs to one event loop."""

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
        subjects: Sequence[Subject] = (),
    ) -> int:
        """Append the entry of an act, unless it is there already, and return its index; durable on return.

        `subjects` are those whom it is about: it appears in what they may know of the log, and what names them goes
        with their erasure, the details too. Waits while the queue is full. Raises what `Appender.append` raises.
        """
        async with self._turn:
            try:
                return await asyncio.to_thread(self._store.index_of, act_id)
            except NotFound:
                pass
            document = {
                "schema": 1,
                "id": str(UUID(bytes=act_id)),
                "source": SOURCE,
                "seq": await asyncio.to_thread(self._acts.next_seq, SOURCE),
                "occurred_at": instant(self._now()),
                "actor": actor,
                "action": action,
                "outcome": outcome,
                "purpose": purpose,
                "legal_basis": legal_basis,
                "retention": self._retention,
                "subjects": subjects,
                "details": details,
            }
            return await self._append(AppendRequest(_encode(document), JSON, SOURCE))

    async def note(
        self,
        actor: Actor,
        action: str,
        details: Mapping[str, Any],
        *,
        purpose: str,
        subjects: Sequence[Subject] = (),
    ) -> int:
        """Append an entry that no act stands behind, under an id of its own, and return its index."""
        new_id = UUID(new_entry_id()).bytes
        return await self.log(new_id, actor, action, "allowed", details, purpose=purpose, subjects=subjects)

    async def _append(self, request: AppendRequest) -> int:
        for _ in range(_ATTEMPTS):
            try:
                return (await self._appender.append(request))[0].index
            except Overloaded as error:
                await asyncio.sleep(error.retry_after)
        return (await self._appender.append(request))[0].index

"""Past drills: each is an entry of the log's own source, and is found again by its action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec

from tlog.audit.entry import Actor
from tlog.audit.opened import OpenedEntry
from tlog.client.drill_result import DrillResult
from tlog.service.acts import Outcome
from tlog.service.lookup import LookUp
from tlog.service.lookup_filters import Filters
from tlog.service.own_entries import SOURCE, OwnEntries, derived_id

ACTION: Final = "tlog.drill"
PURPOSE: Final = "drill: is a record found and proved in time"
_FILTERS: Final = Filters(action=ACTION, source=SOURCE)
_DRILL: Final = b"drill"


@dataclass(frozen=True, slots=True)
class PastDrill:
    """A drill as it was logged: the index of its entry, when, by whom, how it ended, what it saw."""

    index: int
    logged_at: str
    actor: Mapping[str, Any]
    passed: bool
    details: Mapping[str, Any]


class Drills:
    """Logs drills and finds them again. Belongs to one event loop; `page` and `last_by` block."""

    def __init__(self, lookup: LookUp, own: OwnEntries) -> None:
        self._lookup = lookup
        self._own = own

    async def log(self, result: DrillResult, actor: Actor) -> int:
        """Append the entry of a drill, once, and return its index; durable on return. Raises as an append does."""
        details = msgspec.to_builtins(result) | {"missed": result.missed}
        outcome: Outcome = "allowed" if result.passed else "failed"
        return await self._own.log(entry_id(result.drill), actor, ACTION, outcome, details, purpose=PURPOSE)

    def page(self, cursor: str | None, limit: int) -> tuple[list[PastDrill], str | None]:
        """Return past drills, newest first, and the cursor of the next page. Raises as `LookUp.page` does."""
        page = self._lookup.page(_FILTERS, cursor, limit)
        opened = [(f.stored.index, f.opened) for f in page.entries if isinstance(f.opened, OpenedEntry)]
        return [_past(index, entry.entry) for index, entry in opened if entry.entry["action"] == ACTION], page.next

    def last_by(self, actor: Actor) -> PastDrill | None:
        """Return the last drill of an actor."""
        cursor, found = None, list[PastDrill]()
        while True:
            found, cursor = self.page(cursor, 50)
            own = [
                drill for drill in found if drill.actor.get("id") == actor.id and drill.actor.get("type") == actor.type
            ]
            if own or cursor is None:
                return own[0] if own else None


def entry_id(drill: str) -> bytes:
    """Return the 16 bytes of the UUIDv7 of a drill's entry: the drill's time, and random bits hashed from its id.

    Who sends a drill twice has logged one. It is not the drill's own id, because whoever sends it chose that: it could
    be that of an act under way, whose own entry would then be taken for logged.
    """
    return derived_id(_DRILL, UUID(drill).bytes)


def _past(index: int, entry: Mapping[str, Any]) -> PastDrill:
    return PastDrill(
        index, entry["received_at"], entry.get("actor") or {}, entry["outcome"] == "allowed", entry.get("details") or {}
    )

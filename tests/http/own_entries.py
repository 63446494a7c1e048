"""What the log says of itself."""

from __future__ import annotations

from typing import Any

from tests.http.service import Service
from tests.support import MadeLog
from tlog.storage.roles import OWN_SOURCE


async def own_entries(service: Service, action: str) -> list[dict[str, Any]]:
    """The log's own entries of this action as an auditor finds them, newest first; asking makes one more."""
    answer = await service.get(f"/v1/entries?source=tlog&action={action}", service.auditor)
    return [found["entry"] for found in answer.json()["entries"]]


def stored_own(made: MadeLog, action: str | None = None, since: int = 0) -> list[dict[str, Any]]:
    """The log's own entries from index `since` on as they are stored, the oldest first: all, or those of one action.

    Asks nobody.
    """
    return [entry for _, entry in _stored(made, since) if action in {None, entry["action"]}]


def stored_acts(made: MadeLog) -> list[tuple[int, str]]:
    """Index and action of those that an act stands behind, the oldest first."""
    return [(index, entry["action"]) for index, entry in _stored(made) if "act" in entry.get("details", {})]


def shown(entry: dict[str, Any]) -> list[int]:
    """The indices of the entries that an access showed."""
    assert {target["type"] for target in entry.get("targets", ())} <= {"entry", "person"}
    assert "subjects" not in entry, "no entry of the log's own has a data subject"
    return [int(target["id"]) for target in entry.get("targets", ()) if target["type"] == "entry"]


def looked_up(entry: dict[str, Any]) -> list[int]:
    """The numbers of the keys of those whom an access looked up by name."""
    return [int(target["id"]) for target in entry.get("targets", ()) if target["type"] == "person"]


def _stored(made: MadeLog, since: int = 0) -> list[tuple[int, dict[str, Any]]]:
    log = made.log
    rows = log.store.entries_at(range(since, log.store.state().size))
    own = [row for row in rows.values() if row.columns["source"] == OWN_SOURCE]
    return [(row.index, log.entries.opened(row).entry) for row in sorted(own, key=lambda row: row.index)]

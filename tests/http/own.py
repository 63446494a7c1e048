"""The log's own entries, read as anybody with its keys would: what the guard and the acts logged."""

from __future__ import annotations

from typing import Any

from tests.support import MadeLog
from tlog.storage.roles import OWN_SOURCE


def own_entries(made: MadeLog, action: str | None = None) -> list[dict[str, Any]]:
    """Return them, the oldest first: all, or those of one action."""
    log = made.log
    rows = log.store.entries_at(range(log.store.state().size))
    own = [rows[index] for index in sorted(rows) if rows[index].columns["source"] == OWN_SOURCE]
    entries = [log.entries.opened(row).entry for row in own]
    return [entry for entry in entries if action in {None, entry["action"]}]


def shown(entry: dict[str, Any]) -> list[int]:
    """Return the indices of the entries that an access showed."""
    assert all(target["type"] == "entry" for target in entry.get("targets", ()))
    return [int(target["id"]) for target in entry.get("targets", ())]

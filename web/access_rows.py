"""Who looked, as rows: from the answer about an entry or a person, and from the log's own entries. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tlog.http.answers.access import AccessAnswer
from tlog.http.answers.entries import EntryAnswer, EntryProblem
from tlog.service.access_log import ENTRY


@dataclass(frozen=True, slots=True)
class AccessRow:
    """One access: the index of its own entry, when, who (empty where erased), what, how it ended, which entries."""

    index: int
    at: str
    who: str
    kind: str
    action: str
    operation: str
    outcome: str
    shown: tuple[int, ...]
    by_name: bool = False


def rows_of_accesses(accesses: Iterable[AccessAnswer]) -> list[AccessRow]:
    """Return the rows of an answer about an entry or a person."""
    return [
        AccessRow(
            each.index,
            each.at,
            each.actor.id,
            each.actor.type,
            each.action,
            each.operation or "",
            each.outcome,
            tuple(each.shown),
            each.by_name,
        )
        for each in accesses
    ]


def rows_of_entries(entries: Iterable[EntryAnswer | EntryProblem]) -> list[AccessRow]:
    """Return the rows of the log's own entries; one that can't be read has only an index and why."""
    return [_row(each) for each in entries]


def _row(each: EntryAnswer | EntryProblem) -> AccessRow:
    if isinstance(each, EntryProblem):
        return AccessRow(each.index, "", "", "", each.problem, each.detail, "failed", ())
    entry = each.entry
    actor, details = entry.get("actor") or {}, entry.get("details") or {}
    targets = [target["id"] for target in entry.get("targets") or () if target["type"] == ENTRY]
    shown = tuple(int(target) for target in targets if target.isdecimal())
    operation = str(details.get("operation", ""))
    who, kind = actor.get("id", ""), actor.get("type", "")
    return AccessRow(each.index, each.received_at, who, kind, entry["action"], operation, entry["outcome"], shown)

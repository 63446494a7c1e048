"""Who looked, as rows: from the answer about an entry or a person, and from the log's own entries. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tlog.http.answers.access import AccessAnswer
from tlog.http.answers.entries import EntryAnswer, EntryProblem
from tlog.service.access_log import ENTRY
from web.access_words import did_words


@dataclass(frozen=True, slots=True)
class AccessRow:
    """One access: the index of its own entry, when, who, what, how it ended, which entries it showed.

    `who` is empty where it was erased; `name` is that of a person beside it, or empty; `did` is the action in words.
    """

    index: int
    at: str
    who: str
    kind: str
    name: str
    action: str
    did: str
    operation: str
    outcome: str
    shown: tuple[int, ...]
    by_name: bool = False


def rows_of_accesses(accesses: Iterable[AccessAnswer]) -> list[AccessRow]:
    """Return the rows of an answer about an entry or a person."""
    return [_row_of(each) for each in accesses]


def rows_of_entries(entries: Iterable[EntryAnswer | EntryProblem]) -> list[AccessRow]:
    """Return the rows of the log's own entries; one that can't be read has only an index and why."""
    return [_row(each) for each in entries]


def _row_of(each: AccessAnswer) -> AccessRow:
    operation = each.operation or ""
    return AccessRow(
        index=each.index,
        at=each.at,
        who=each.actor.id,
        kind=each.actor.type,
        name=each.actor.name or "",
        action=each.action,
        did=did_words(each.action, operation),
        operation=operation,
        outcome=each.outcome,
        shown=tuple(each.shown),
        by_name=each.by_name,
    )


def _row(each: EntryAnswer | EntryProblem) -> AccessRow:
    if isinstance(each, EntryProblem):
        return AccessRow(each.index, "", "", "", "", each.problem, each.problem, each.detail, "failed", ())
    entry = each.entry
    actor, details = entry.get("actor") or {}, entry.get("details") or {}
    targets = [target["id"] for target in entry.get("targets") or () if target["type"] == ENTRY]
    shown = tuple(int(target) for target in targets if target.isdecimal())
    operation = str(details.get("operation", ""))
    return AccessRow(
        index=each.index,
        at=entry["occurred_at"],  # a read of a stopped log is received later than it was
        who=actor.get("id", ""),
        kind=actor.get("type", ""),
        name=actor.get("name") or "",
        action=entry["action"],
        did=did_words(entry["action"], operation, details),
        operation=operation,
        outcome=entry["outcome"],
        shown=shown,
    )

"""An export's entries counted: by purpose, source, action and category of who acted, each with first and last date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tlog.audit.fields import microseconds
from tlog.audit.subject_access import AccessActor, AccessEntry, Count, Summary

YOURSELF = "yourself"


def summary_of(entries: Sequence[AccessEntry]) -> Summary:
    """Return the counts of entries."""
    return Summary(
        purposes=_counted(entries, lambda entry: entry.purpose),
        sources=_counted(entries, lambda entry: entry.source),
        actions=_counted(entries, lambda entry: entry.action),
        actors=_counted(entries, lambda entry: None if entry.actor is None else category(entry.actor)),
    )


def category(actor: AccessActor) -> str:
    """Return a category of who acted in words: type, role, organization."""
    if actor.yourself:
        return YOURSELF
    return ", ".join(text for text in (actor.type, actor.role, actor.organization) if text is not None)


def _counted(entries: Iterable[AccessEntry], value_of: Callable[[AccessEntry], str | None]) -> list[Count]:
    times: dict[str | None, list[str]] = {}
    for entry in entries:
        times.setdefault(value_of(entry), []).append(entry.occurred_at)
    counts = [
        Count(value=value, entries=len(at), first=min(at, key=microseconds), last=max(at, key=microseconds))
        for value, at in times.items()
    ]
    return sorted(counts, key=lambda count: (-count.entries, count.value or ""))

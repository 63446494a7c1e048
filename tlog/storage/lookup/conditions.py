"""What a look-up asks of the database: nothing personal, only numbers of keys, blind terms and what stands in clear."""

from __future__ import annotations

from dataclasses import dataclass

from tlog.storage.roles import EVERYTHING, RowScope


@dataclass(frozen=True, slots=True)
class Window:
    """Times from `start` up to, not including, `end`, in microseconds since 1970; None: no bound on that side."""

    start: int | None = None
    end: int | None = None

    def holds(self, moment: int) -> bool:
        """Whether a time is within."""
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all must be true of an entry; None and () ask nothing.

    `persons` are key ids of the keyring, `terms` blind index terms. `action` matches itself and every action below
    it by dots. `scope` is what whoever asks may see at all.
    """

    persons: tuple[int, ...] = ()
    terms: tuple[int, ...] = ()
    source: str | None = None
    action: str | None = None
    outcome: str | None = None
    retention: str | None = None
    occurred: Window | None = None
    received: Window | None = None
    scope: RowScope = EVERYTHING

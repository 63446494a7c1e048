"""Roles, and the rows that somebody may be limited to: the values that tokens and grants are stored with. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is to the log; `tlog/service/principal.py` says what each may do."""

    WRITER = "writer"
    READER = "reader"
    AUDITOR = "auditor"
    DPO = "dpo"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class RowScope:
    """Which entries somebody may append and read: of these sources and of these retention classes. None: of all.

    `own`: the log's own entries as well, which say who read what.
    """

    sources: frozenset[str] | None = None
    classes: frozenset[str] | None = None
    own: bool = True

    @property
    def is_limited(self) -> bool:
        """Whether there are entries of others that are not within."""
        return self.sources is not None or self.classes is not None

    def covers(self, source: str | None, retention: str | None) -> bool:
        """Tell whether an entry of this source and class is within."""
        if source == OWN_SOURCE and not self.own:
            return False
        return (self.sources is None or source in self.sources) and (self.classes is None or retention in self.classes)

    def __str__(self) -> str:
        said = [("sources", self.sources), ("classes", self.classes)]
        limits = [f"{what} {', '.join(sorted(names))}" for what, names in said if names is not None]
        return " and ".join(limits) or "everything"


EVERYTHING = RowScope()
OWN_SOURCE: Final = "tlog"
"""The source of the log's own entries, which tell of its acts: nobody else may append under it."""


def sorted_names(names: Collection[str] | None) -> list[str] | None:
    """Return names as they are told; None for no limit."""
    return None if names is None else sorted(names)


def join_names(names: Collection[str] | None) -> str | None:
    """Return names as they are stored in one column; None for no limit."""
    return None if names is None else ",".join(sorted(names))


def split_names(text: str | None) -> frozenset[str] | None:
    """Return the names of a column that `join_names` made."""
    return None if text is None else frozenset(text.split(",")) - {""}


def roles_of(names: Iterable[str]) -> frozenset[Role]:
    """Return roles by name. ValueError for a name that is none."""
    return frozenset(Role(name) for name in names)

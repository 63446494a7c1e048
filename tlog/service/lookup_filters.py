"""What somebody looks for, in their own words: personal data, never to be stored, logged or shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tlog.storage.lookup.conditions import Window


@dataclass(frozen=True, slots=True, repr=False)
class Filters:
    """What all must be true of an entry; None asks nothing.

    `actor` and `target` are (type, id). `action` matches itself and what is below it by dots. `correlation` is a trace
    or a request id.
    """

    actor: tuple[str, str] | None = None
    subject: str | None = None
    target: tuple[str, str] | None = None
    action: str | None = None
    source: str | None = None
    outcome: str | None = None
    retention: str | None = None
    correlation: str | None = None
    occurred: Window | None = None
    received: Window | None = None

    def __repr__(self) -> str:
        return "<Filters>"

    def names(self) -> list[str]:
        """Return what is asked about, without the values: they may be personal."""
        return [name for name in self.__dataclass_fields__ if getattr(self, name) is not None]

    def canonical(self) -> str:
        """Return one text for these filters and no others."""
        return msgspec.json.encode(self).decode()

    def agree_with(self, document: Mapping[str, Any]) -> bool:
        """Whether an opened entry has the target and correlation asked for.

        Blind terms are cut to 64 bits: two values may share one.
        """
        targets = {(target["type"], target["id"]) for target in document.get("targets") or ()}
        correlated = (document.get("correlation") or {}).values()
        return (self.target is None or self.target in targets) and (
            self.correlation is None or self.correlation in correlated
        )

"""A measured figure, and whether it reaches its floor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Floor:
    """The least (or `at_most`: the most) that the project asks of a figure, in its unit."""

    value: float
    at_most: bool = False

    def met(self, value: float) -> bool:
        """Whether a figure reaches it."""
        return value < self.value if self.at_most else value >= self.value

    def text(self) -> str:
        """Say what is asked."""
        return f"{'below' if self.at_most else 'at least'} {self.value:,g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One value, what it was measured with (`settings`), and what else was seen (`seen`)."""

    name: str
    value: float
    unit: str
    settings: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    floor: Floor | None = None

    @property
    def verdict(self) -> Literal["met", "not met"] | None:
        """Whether the floor is met; None where there is none."""
        if self.floor is None:
            return None
        return "met" if self.floor.met(self.value) else "not met"

    def document(self) -> dict[str, Any]:
        """Return the figure as JSON data."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "floor": None if self.floor is None else self.floor.text(),
            "verdict": self.verdict,
            "settings": self.settings,
            "seen": self.seen,
        }

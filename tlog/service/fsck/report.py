"""What an audit found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MAX_PROBLEMS = 100

Progress = Callable[[str, int, int], None]
"""Told (what is checked, how many are done, how many there are)."""


@dataclass(slots=True)
class FsckReport:
    """Counts of what was checked, and what was wrong with it, the first `MAX_PROBLEMS` in words."""

    size: int = 0
    leaves: int = 0
    entries_opened: int = 0
    checkpoints: int = 0
    tiles: int = 0
    bundles: int = 0
    problem_count: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return self.problem_count == 0

    def problem(self, text: str) -> None:
        """Note a problem; it must name indices and sizes, never a person."""
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(text)

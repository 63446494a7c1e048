"""One run of the measurements: where they work, how large they are, what they share."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TypeVar

from bench.large_log import make_large_log

T = TypeVar("T")


class Run:
    """Hands every measurement a folder of its own and, once made, the one large log."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self._folder = folder
        self.quick = quick

    def pick(self, full: T, quick: T) -> T:
        """Return the size of something in a full or in a quick run."""
        return quick if self.quick else full

    def folder(self, name: str) -> Path:
        """Return a new empty folder."""
        made = self._folder / name
        made.mkdir()
        return made

    @cached_property
    def large_size(self) -> int:
        """How many leaves the large log has."""
        return self.pick(1_000_000, 100_000)

    @cached_property
    def large_log(self) -> Path:
        """The data folder of a log of `large_size` raw leaves, integrated and published, not served now."""
        folder = self.folder("large") / "log"
        make_large_log(folder, self.large_size)
        return folder

"""What a look-up found, page by page: printed as they come (CSV) or at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final

import typer

from tlog.cli.output import emit, failed, notice
from tlog.cli.search_output import csv_row, csv_writer, print_table
from tlog.client.search import FoundEntry, FoundPage
from tlog.client.words import counted

QUIET_SECONDS: Final = 5


class Results:
    """What has come so far."""

    def __init__(self, *, as_csv: bool, as_json: bool) -> None:
        """Print rows as they come, one JSON object, or a table. Raises `BadParameter` for both at once."""
        if as_json and as_csv:
            raise typer.BadParameter("give --json or --csv, not both")
        self._csv = as_csv
        self._json = as_json
        self._writer: Any = None
        self._entries: list[FoundEntry] = []
        self._next: str | None = None
        self._count = self._damaged = self._scanned = 0
        self._spoken = monotonic()

    def add(self, page: FoundPage) -> None:
        """Take a page; where it takes long, say how far it is."""
        self._next = page.next
        self._scanned += page.scanned
        self._count += len(page.entries)
        self._damaged += sum(found.problem is not None for found in page.entries)
        self._keep(page.entries)
        if monotonic() - self._spoken > QUIET_SECONDS:
            self._spoken = monotonic()
            notice(f"{counted(self._count, 'entry', 'entries')} found so far, {self._scanned} looked at")

    def show(self) -> None:
        """Print what is not printed yet. Raises `Exit` where an entry could not be shown."""
        if self._json:
            emit({"entries": [found.document for found in self._entries], "next": self._next}, "", as_json=True)
        else:
            self._show_text()
        if self._damaged:
            raise failed(f"{counted(self._damaged, 'entry', 'entries')} could not be shown: the log calls them damaged")

    def _keep(self, found: Iterable[FoundEntry]) -> None:
        if not self._csv:
            self._entries += found
            return
        if self._writer is None:
            self._writer = csv_writer(sys.stdout)  # the names of columns are printed with the first page, not before
        self._writer.writerows(csv_row(entry) for entry in found)

    def _show_text(self) -> None:
        if self._csv:
            sys.stdout.flush()
        elif self._entries:
            print_table(self._entries)
        else:
            print("no entry matches", flush=True)
        if self._next is not None:
            notice(
                f"the first {counted(self._count, 'entry', 'entries')}; there may be more: --all shows them, --limit N "
                f"more at once, --cursor {self._next} the next ones"
            )

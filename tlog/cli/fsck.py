"""`tlog fsck`: recompute everything, from the database up and from the tiles up."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from tlog.cli.data_folder import DataFolder, exclusive, open_folder, read_config
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, failed, new_app
from tlog.cli.progress_bar import progress_bar
from tlog.client.words import counted
from tlog.service.fsck.report import FsckReport
from tlog.service.fsck.run import fsck as audit

app = new_app()

EXAMPLES = """\b
Examples:
  tlog fsck ./log                 everything; stop the log first, or run it on a copy of its folder
  tlog fsck ./log --no-entries    all but the content of sealed entries, which takes the longest
Changes nothing. Exit code 0: nothing is wrong; 1: the problems are on stderr, or it could not be checked.
"""


@app.command(epilog=EXAMPLES)
def fsck(
    folder: Folder,
    entries: Annotated[
        bool, typer.Option("--entries/--no-entries", help="Decrypt every entry and check it against its leaf.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Check a stopped log. Rows, leaves, roots, checkpoints, tiles, bundles, sealed entries."""
    data = DataFolder(folder)
    read_config(data)
    with (
        exclusive(data),
        open_folder(folder) as opened,
        progress_bar(hidden=as_json) as bar,
    ):
        report = audit(opened.parts, _Bars(bar).show, open_entries=entries)
    emit({"ok": report.ok, **asdict(report)}, _text(report), as_json)
    if not report.ok:
        raise failed(_summary(report), report.problems)


def _summary(report: FsckReport) -> str:
    found, shown = counted(report.problem_count, "problem"), len(report.problems)
    return found if shown == report.problem_count else f"{found}; first {shown} of {report.problem_count} shown"


class _Bars:
    """One progress bar for each thing that is checked, made when it is first heard of."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what)
        self._progress.update(self._tasks[what], completed=done, total=total)


def _text(report: FsckReport) -> str:
    checked = ", ".join(
        (
            counted(report.leaves, "leaf", "leaves"),
            f"{counted(report.entries_opened, 'entry', 'entries')} opened",
            counted(report.checkpoints, "checkpoint"),
            counted(report.tiles, "tile"),
            counted(report.bundles, "bundle"),
        )
    )
    log = f"a log of {counted(report.size, 'leaf', 'leaves')}; checked {checked}"
    return f"ok: {log}" if report.ok else f"FAULTY: {counted(report.problem_count, 'problem')} in {log}"

"""The progress bar of long commands: on stderr, and only where somebody sees it move."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress, ProgressColumn


def progress_bar(*columns: ProgressColumn, hidden: bool, transient: bool = False) -> Progress:
    """Return a bar that is not started; in a file or a pipe, or if `hidden`, it prints nothing at all."""
    console = Console(stderr=True)
    return Progress(*columns, console=console, disable=hidden or not console.is_terminal, transient=transient)

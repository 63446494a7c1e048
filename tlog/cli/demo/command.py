"""The command line of `tlog demo`, its folder, and how it ends."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from tlog.audit.printable import printable_lines
from tlog.cli.demo.concurrent import Interrupted, interruptible
from tlog.cli.demo.live import run_live
from tlog.cli.demo.once import Outcome, run_once
from tlog.cli.demo.stage import Say, Stage, set_stage
from tlog.cli.options import AsJson
from tlog.cli.output import INTERRUPTED, REFUSED, complain, emit, new_app
from tlog.errors import ConfigurationInvalid, TlogError

app = new_app()

EXAMPLES = """\b
Examples:
  tlog demo                                 until Ctrl-C; the folder is removed then
  tlog demo --keep ./demo                   the folder stays
  tlog demo --once --entries 1000 --json    append, verify, print one JSON object; exit 0 only if all held
"""


@app.command(epilog=EXAMPLES)
def demo(
    once: Annotated[bool, typer.Option("--once", help="Append, verify, report and end.")] = False,
    entries: Annotated[int, typer.Option(min=1, max=1_000_000, help="With --once: how many entries.")] = 10_000,
    rate: Annotated[float, typer.Option(min=0.1, max=1000, help="Without --once: entries a second.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people and acts.")] = 1,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Work in this new folder and leave it there.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a log and three witnesses on this machine, with the entries of a made-up clinic and shop."""
    with _folder(keep) as folder:
        if once:
            _once(folder, entries, seed, as_json)
        else:
            _live(folder, seed, rate, as_json)


def _once(folder: Path, entries: int, seed: int, as_json: bool) -> None:
    outcome = Outcome()

    async def play() -> None:
        async with set_stage(folder, _to_stderr) as stage:
            await run_once(stage, entries, seed, outcome, _to_stderr)

    try:
        asyncio.run(interruptible(play()))
    except Interrupted:
        complain("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except TlogError as error:
        outcome.ok = False
        complain(str(error))
    emit(outcome.values(), outcome.text(), as_json)
    if not outcome.ok:
        raise typer.Exit(REFUSED)


def _live(folder: Path, seed: int, rate: float, as_json: bool) -> None:
    say: Say = _to_stderr if as_json else _to_stdout

    async def play() -> None:
        async with set_stage(folder, say) as stage:
            if as_json:
                emit(_ready(stage), "", as_json=True)
            await run_live(stage, seed, rate, say)

    try:
        asyncio.run(interruptible(play()))
    except Interrupted:
        say("everything is stopped")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Make the folder to work in; without `keep` it is temporary."""
    if keep is not None:
        try:
            keep.mkdir(mode=0o700)
        except OSError as error:
            raise ConfigurationInvalid(f"--keep {keep}: {error.strerror}; name a folder that does not exist") from None
        yield keep.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="tlog-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _ready(stage: Stage) -> dict[str, object]:
    return {
        "event": "ready",
        "url": stage.log.url,
        "policy": str(stage.folder.policy),
        "pid": stage.log.process.pid,
        "witnesses": [{"name": w.name, "url": w.url, "pid": w.process.pid} for w in stage.witnesses],
    }


def _to_stderr(text: str) -> None:
    _to(sys.stderr, text)


def _to_stdout(text: str) -> None:
    _to(sys.stdout, text)


def _to(stream: TextIO, text: str) -> None:
    print(printable_lines(text), file=stream, flush=True)

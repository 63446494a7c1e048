"""`tlog append`: send entries from a file or a pipe."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import IO, Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, connect
from tlog.cli.files import STANDARD
from tlog.cli.options import AsJson
from tlog.cli.output import complain, emit, new_app
from tlog.client.client import LogClient
from tlog.client.ndjson import LineReader
from tlog.client.upload import Upload
from tlog.errors import ConfigurationInvalid, EntryInvalid, TlogError

app = new_app()

CHUNK_BYTES: Final = 1 << 20
SHOWN_FAULTS: Final = 20

EXAMPLES = """\b
Examples:
  tlog append entries.ndjson --url http://127.0.0.1:8088 --token-file clinic.token
  producer | TLOG_TOKEN=… tlog append - --url https://log.example --wait witnessed
One JSON entry a line. An entry without an 'id' gets one before it is first sent, so trying again never stores
it twice. A file is checked as a whole before anything of it is sent. Exit code 0: every entry is stored.
"""


class Stage(StrEnum):
    """How far entries must be before the command ends."""

    DURABLE = "durable"
    INTEGRATED = "integrated"
    WITNESSED = "witnessed"


@app.command(epilog=EXAMPLES)
def append(  # noqa: PLR0913, PLR0917 - the parameters are the command line
    file: Annotated[Path, typer.Argument(metavar="FILE", help="NDJSON; - is stdin.", show_default=False)],
    url: Url,
    token_file: TokenFile = None,
    wait: Annotated[Stage, typer.Option(help="How far the entries must be in the end.")] = Stage.DURABLE,
    wait_for: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for --wait.")] = 60,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Entries in one request.")] = 1000,
    retry_for: RetryFor = 60,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Append the entries of an NDJSON file, in order."""
    client = connect(url, token_file=token_file, ca_file=ca_file, retry_for=retry_for)
    start = monotonic()
    total = None if file == STANDARD else _check(file)
    with _progress(total, hidden=as_json) as bar, _source(file) as source:
        task = bar.add_task("stored", total=total)
        upload = Upload(client, batch, lambda stored: bar.advance(task, stored))
        asyncio.run(_upload(client, upload, source, wait, wait_for))
    _report(upload, wait, monotonic() - start, as_json)


async def _upload(client: LogClient, upload: Upload, source: IO[bytes], wait: Stage, wait_for: float) -> None:
    reader = LineReader()
    async with client:
        try:
            # Whatever is there is sent at once: a slow producer's entries do not lie around here.
            while chunk := await asyncio.to_thread(_read_some, source):
                await upload.send(reader.feed(chunk))
            await upload.send(reader.finish())
        except TlogError as error:
            _say_faults(error)
            complain(f"stopped; {upload.stored} entries were stored before")
            raise typer.Exit(1) from None
        if wait is not Stage.DURABLE:
            await upload.wait(wait, wait_for)


def _check(path: Path) -> int:
    """Return how many entries a file has, all of them well-formed; else say what is wrong, and end."""
    reader, count = LineReader(lambda: ""), 0
    with _source(path) as file:
        try:
            while chunk := _read_some(file):
                count += len(reader.feed(chunk))
            return count + len(reader.finish())
        except EntryInvalid as error:
            _say_faults(error)
            complain("nothing was sent")
            raise typer.Exit(1) from None


def _say_faults(error: TlogError) -> None:
    if not isinstance(error, EntryInvalid):
        complain(str(error))
        return
    for fault in error.faults[:SHOWN_FAULTS]:
        complain(f"{fault.path}: {fault.message}")
    if len(error.faults) > SHOWN_FAULTS:
        complain(f"and {len(error.faults) - SHOWN_FAULTS} more faults")


def _read_some(file: IO[bytes]) -> bytes:
    chunk: bytes = file.read1(CHUNK_BYTES)  # type: ignore[attr-defined]  # of BufferedReader, as every source is
    return chunk


@contextmanager
def _source(path: Path) -> Iterator[IO[bytes]]:
    if path == STANDARD:
        yield sys.stdin.buffer
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigurationInvalid(f"cannot read {path}: {error.strerror}") from None
    with file:
        yield file


def _progress(total: int | None, *, hidden: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    unknown = (TextColumn("{task.description}"), TextColumn("{task.completed} entries"), TimeElapsedColumn())
    return Progress(*(unknown if total is None else columns), console=Console(stderr=True), disable=hidden)


def _report(upload: Upload, wait: Stage, seconds: float, as_json: bool) -> None:
    last = None if upload.highest is None else upload.highest[0]
    values = {
        "stored": upload.stored,
        "duplicates": upload.duplicates,
        "first_index": upload.lowest,
        "last_index": last,
        "status": str(wait),
        "seconds": round(seconds, 3),
    }
    known = f", {upload.duplicates} of them before" if upload.duplicates else ""
    where = "" if last is None else f", indices {upload.lowest} to {last}"
    emit(values, f"{upload.stored} entries {wait}{known}{where}", as_json)

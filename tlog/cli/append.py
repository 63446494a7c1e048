"""`tlog append`: send entries from a file or a pipe."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tlog.audit.entry import new_entry_id
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, connect, required_token
from tlog.cli.entry_source import SHOWN_FAULTS, EntrySource, check_file, entry_source, readable
from tlog.cli.id_file import IdOf, forget_ids, id_file, keep_ids, kept_ids
from tlog.cli.options import AsJson
from tlog.cli.output import emit, failed, new_app, notice
from tlog.cli.progress_bar import progress_bar
from tlog.client.client import LogClient
from tlog.client.ndjson import LineReader, lines_of
from tlog.client.upload import Upload
from tlog.client.words import counted
from tlog.errors import ConfigurationInvalid, Conflict, EntryInvalid, Fault, TlogError

app = new_app()

EXAMPLES = """\b
Examples:
  tlog append entries.ndjson --url http://127.0.0.1:8088 --token-file clinic.token
  producer | TLOG_TOKEN=… tlog append - --url https://log.example --wait witnessed
One JSON entry a line. The log knows an entry again by its 'id'; an entry without one gets one here.
A file is checked as a whole before anything of it is sent; what is wrong is named by its line, the first is 1.
The ids it gets are kept in FILE.tlog-ids until the command ends with exit code 0, so a run that was stopped or
killed is finished by running it again: nothing is stored twice, as long as neither file is changed. Where nothing
was stored they are removed, so a refused file may be corrected and sent. From a pipe,
what was read is sent at once and its ids are not kept: a run's own retries store nothing twice, but after a killed
run a producer must send its own ids again.

\b
Result: 'stored' counts every entry that the log has now. Among them, 'duplicates' counts those that it had already:
from an earlier run, or from an attempt whose answer was lost. 'status' is how far all of them are.
Exit codes: 0 every entry is stored, and as far as --wait asks; 1 something was refused, is not stored, or is
stored but not as far as --wait asks within --wait-for (the result is printed, 'status' and 'note' say how far and
why; running it again with the same file stores nothing twice and waits again); 2 wrong usage.
"""


class Stage(StrEnum):
    """How far entries must be before the command ends."""

    DURABLE = "durable"
    INTEGRATED = "integrated"
    WITNESSED = "witnessed"


@app.command(epilog=EXAMPLES)
def append(
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
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    start = monotonic()
    with entry_source(file) as source:
        total, fresh = (None, False) if source.size is None else _prepare(source)
        with _progress(total, hidden=as_json) as bar:
            task = bar.add_task("stored", total=total)
            upload = Upload(client, batch, lambda stored: bar.advance(task, stored))
            with _useless_ids_removed(file, upload, fresh=fresh):
                late = _run(_upload(client, upload, source, wait, wait_for), upload)
        if source.size is not None and late is None:
            forget_ids(file)
    _report(upload, monotonic() - start, as_json)
    if late is not None:
        raise failed(f"{upload.summary()}, but {late}", (), **_values(upload))


def _prepare(source: EntrySource) -> tuple[int, bool]:
    """Return how many entries a file has, all of them good and each with an id that is durable, and whether the ids
    are new; else end."""
    checked = check_file(source)
    if checked.fault_count:
        raise _bad_lines(checked.faults, checked.fault_count, checked.bad_lines, "nothing was sent")
    return checked.count, keep_ids(source.path, checked.digest, checked.without_id)


@contextmanager
def _useless_ids_removed(file: Path, upload: Upload, *, fresh: bool) -> Iterator[None]:
    """Where a run ends and nothing is stored under the ids it made, forget them: the file may be corrected."""
    try:
        yield
    except BaseException:
        if fresh and upload.nothing_stored:
            with suppress(ConfigurationInvalid):
                forget_ids(file)
        raise


def _run(uploading: Coroutine[Any, Any, TlogError | None], upload: Upload) -> TlogError | None:
    try:
        return asyncio.run(uploading)
    except KeyboardInterrupt:
        notice(f"stopped; {upload.summary()}")
        raise


async def _upload(
    client: LogClient, upload: Upload, source: EntrySource, wait: Stage, wait_for: float
) -> TlogError | None:
    """Send everything, and return what kept the stored entries from the stage waited for."""
    async with client:
        try:
            with _ids(source) as id_of:
                await _send(upload, source, LineReader(id_of))
        except TlogError as error:
            raise _stopped(error, upload, source) from None
        try:
            if wait is not Stage.DURABLE:
                await upload.wait(wait, wait_for)
        except TlogError as late:
            return late
        return None


async def _send(upload: Upload, source: EntrySource, reader: LineReader) -> None:
    # Whatever is there is sent at once: a slow producer's entries do not lie around here.
    chunks = source.chunks()
    while chunk := await _next(source, chunks):
        await upload.send(reader.feed(chunk))
    await upload.send(reader.finish())


async def _next(source: EntrySource, chunks: Iterator[bytes]) -> bytes:
    """Return the next bytes, none at the end. A thread that waits in a read would keep Ctrl-C waiting too."""
    await readable(source.file)
    return await asyncio.to_thread(next, chunks, b"")


def _ids(source: EntrySource) -> AbstractContextManager[IdOf]:
    return kept_ids(source.path) if source.size is not None else nullcontext(lambda _: new_entry_id())


def _stopped(error: TlogError, upload: Upload, source: EntrySource) -> typer.Exit:
    stopped = f"stopped; {upload.summary()}"
    if isinstance(error, EntryInvalid):
        faults = error.faults
        return _bad_lines(faults[:SHOWN_FAULTS], len(faults), lines_of(faults), stopped, **_values(upload))
    hints = [_hint(source.path)] if isinstance(error, Conflict) and source.size is not None else []
    return failed(str(error), [*hints, stopped], **_values(upload))


def _hint(file: Path) -> str:
    return (
        f"hint: the log knows an entry again by its 'id'. Was {file} stored before, by a run that ended or without its "
        f"{id_file(file).name}? Then nothing is missing. Else give the new entries a 'seq' and 'id' never used before"
    )


def _bad_lines(shown: Sequence[Fault], faults: int, lines: int, outcome: str, **values: object) -> typer.Exit:
    details = [f"{fault.path}: {fault.message}" for fault in shown]
    if faults > len(shown):
        details.append(f"and {counted(faults - len(shown), 'more fault')}")
    found = f"{counted(faults, 'fault')} in {counted(lines, 'line')}"
    first = shown[0].path.partition(":")[0]
    where = f", the first in {first}" if lines > 1 and first.startswith("line ") else ""
    return failed(f"{found}{where}; {outcome}", details, **values)


def _progress(total: int | None, *, hidden: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    unknown = (TextColumn("{task.description}"), TextColumn("entries: {task.completed}"), TimeElapsedColumn())
    return progress_bar(*(unknown if total is None else columns), hidden=hidden)


def _report(upload: Upload, seconds: float, as_json: bool) -> None:
    values = {**_values(upload), "seconds": round(seconds, 3)}
    emit(values, f"{upload.summary()}; status: {upload.status}", as_json)


def _values(upload: Upload) -> dict[str, object]:
    return {
        "stored": upload.stored,
        "duplicates": upload.duplicates,
        "first_index": upload.lowest,
        "last_index": None if upload.highest is None else upload.highest[0],
        "status": upload.status,
        "note": upload.note,
    }

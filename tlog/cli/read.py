"""`tlog read`: read a log that is stopped, out of its data folder."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import msgspec
import typer

from tlog.cli import evidence_options as of
from tlog.cli import search_filters as by
from tlog.cli.checks import check_text, in_option_names, index_or_id
from tlog.cli.data_folder import DataFolder, exclusive, open_folder, read_config
from tlog.cli.entry_text import entry_text
from tlog.cli.options import AsJson, Folder
from tlog.cli.output import emit, logs_as_notices, new_app
from tlog.cli.search_results import Results
from tlog.client.entry_file import parse_entry_file
from tlog.client.search import MAX_PAGE, FoundPage, read_page
from tlog.http.answers.entries import EntryPage
from tlog.http.entry_answer import entry_answers
from tlog.http.search import page_items
from tlog.http.search_parameters import parse_search
from tlog.service.log import Log
from tlog.service.offline_reading import OfflineReading, Reader
from tlog.service.read_note import ReadNotes

app = new_app()

OPTIONS: Final = {**by.OPTIONS, "purpose": "--purpose", "authorised_by": "--authorised-by"}
EXAMPLES = """\b
Examples:
  tlog read ./log 17 --purpose "request 4 of the regulator" --authorised-by "D. Officer"
  tlog read ./log --subject-file id.txt --occurred-from 2026-01-01 --all --csv --purpose … --authorised-by …
  tlog read ./log 17 18 --evidence --disclose actor -o case.json --purpose … --authorised-by …
  tlog verify case.json --policy policy.txt

\b
For a log that is halted or ended, which shows no entry over HTTP: whoever has its
data folder and its key-encryption key reads it here. With entries named, they are
shown as by 'tlog get', of several all or none; without, what the filters find, as
by 'tlog search'.

\b
Reads are entries, these too: before anything is shown, a note of what was read, by
whom, on whose word and why is on disk in DIR/notes. A log that starts again logs it
as tlog.read.offline, and 'tlog who-looked' finds it. Where no note can be left,
nothing is shown. No id of a person belongs in --purpose or --authorised-by: that of
whom a search looks up is refused there.

\b
A log that is served is not read here: ask it with 'tlog search', or, where it is
halted, stop it first. What its erasure records name is gone before anything is read.

\b
Exit codes: 0 done, also if nothing was found; 1 refused, failed, or an entry is
damaged; 2 wrong usage.
"""

_INSTEAD: Final = (
    ". Ask it with 'tlog search', 'tlog get' or 'tlog evidence'; where it is halted, and shows no entry, stop it first"
)


@app.command(epilog=EXAMPLES)
def read(
    folder: Folder,
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="INDEX|ID", help="Entries, by index from 0 or by id (a UUID).", show_default=False),
    ] = None,
    *,
    purpose: Annotated[
        str, typer.Option(metavar="TEXT", callback=check_text, help="Why it is read.", show_default=False)
    ],
    authorised_by: Annotated[
        str, typer.Option(metavar="NAME", callback=check_text, help="Who decided that it may be.", show_default=False)
    ],
    actor: by.Actor = None,
    target: by.Target = None,
    subject: by.Subject = None,
    subject_file: by.SubjectFile = None,
    action: by.Action = None,
    source: by.Source = None,
    outcome: by.Outcome = None,
    retention: by.Retention = None,
    correlation: by.Correlation = None,
    occurred_from: by.OccurredFrom = None,
    occurred_to: by.OccurredTo = None,
    received_from: by.ReceivedFrom = None,
    received_to: by.ReceivedTo = None,
    limit: by.Limit = None,
    every: Annotated[bool, typer.Option("--all", help="Show all there are; with --evidence, every field.")] = False,
    cursor: by.Cursor = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="Write a file that proves the named entries.")] = False,
    output: of.Output = None,
    disclose: of.Disclose = None,
    redact: of.Redact = None,
    html: of.Html = False,
    as_json: AsJson = False,
    as_csv: by.AsCsv = False,
) -> None:
    """Read a stopped log out of its data folder."""
    filters = by.filters_of(
        actor=actor,
        target=target,
        subject=subject,
        subject_file=subject_file,
        action=action,
        source=source,
        outcome=outcome,
        retention=retention,
        correlation=correlation,
        occurred_from=occurred_from,
        occurred_to=occurred_to,
        received_from=received_from,
        received_to=received_to,
    )
    reader = Reader(_user(), authorised_by, purpose)
    which = list(map(index_or_id, named or ()))
    looks_up = bool(filters) or limit is not None or cursor is not None or as_csv
    proves = output is not None or bool(disclose) or bool(redact) or html
    _check(named=bool(which), looks_up=looks_up, every=every, evidence=evidence, proves=proves)
    if evidence:
        of.check_output(output, as_json=as_json)
        wish = of.wish_of(disclose, redact, everything=every)
        with _opened(folder, reader) as (_, reading):
            made = reading.evidence(which, wish)
        of.write_evidence(made, output, html=html, as_json=as_json)
    elif which:
        _show_entries(folder, reader, which, as_json=as_json)
    else:
        results = Results(as_csv=as_csv, as_json=as_json)
        wanted = by.limit_of(limit, every=every)
        with _opened(folder, reader) as opened, in_option_names(**OPTIONS):
            for page in _pages(*opened, filters, wanted, cursor):
                results.add(page)
        results.show()


def _check(*, named: bool, looks_up: bool, every: bool, evidence: bool, proves: bool) -> None:
    """Raise `BadParameter` for what does not go together: nothing that is given is left out without a word."""
    if named and looks_up:
        raise typer.BadParameter("name entries, or give filters and how to show what they find, not both")
    if evidence and not named:
        raise typer.BadParameter("--evidence is of entries that are named: give their indices")
    if named and every and not evidence:
        raise typer.BadParameter("--all is for look-ups and --evidence: named entries are shown whole")
    if proves and not evidence:
        raise typer.BadParameter("-o, --disclose, --redact and --html belong to --evidence")


def _user() -> str:
    """Return who runs this, as the machine knows them; no variable of the environment is asked."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


@contextmanager
def _opened(folder: Path, reader: Reader) -> Iterator[tuple[Log, OfflineReading]]:
    """Make the log of a folder that nobody serves, and do not start it."""
    data = DataFolder(folder)
    read_config(data)
    with exclusive(data, _INSTEAD), open_folder(folder) as opened:
        with logs_as_notices():  # of erasures that it had to do again
            log = Log(opened.parts)
        yield log, OfflineReading(log, ReadNotes(data.notes, opened.parts.keyring), reader)


def _show_entries(folder: Path, reader: Reader, which: Sequence[int | UUID], *, as_json: bool) -> None:
    with _opened(folder, reader) as (log, reading):
        answers = entry_answers(log, reading.entries(which))
    files = [msgspec.json.encode(answer) for answer in answers]
    entries = [parse_entry_file(data) for data in files]
    for entry in entries:
        entry.verify(entry.leaf)
    documents = [json.loads(data) for data in files]
    one = documents[0] if len(documents) == 1 else {"entries": documents}
    emit(one, "\n\n".join(map(entry_text, entries)), as_json)


def _pages(
    log: Log, reading: OfflineReading, filters: Mapping[str, str], limit: int | None, cursor: str | None
) -> Iterator[FoundPage]:
    left = limit
    while left is None or left > 0:
        given = {**filters, "limit": str(MAX_PAGE if left is None else min(left, MAX_PAGE))}
        asked = parse_search(given if cursor is None else {**given, "cursor": cursor})
        page = reading.page(asked.filters, asked.cursor, asked.limit)
        answer = EntryPage(entries=page_items(log, page.entries), next=page.next, scanned=page.scanned)
        yield read_page(msgspec.json.encode(answer))
        cursor = page.next
        if cursor is None:
            return
        left = None if left is None else left - len(page.entries)

"""`tlog search`: find entries by who, whose, what and when."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Annotated, Final

import typer

from tlog.cli.checks import check_outcome, check_time, in_option_names
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, connect, required_token
from tlog.cli.id_input import id_in
from tlog.cli.options import AsJson
from tlog.cli.output import emit, failed, new_app, notice
from tlog.cli.search_output import csv_row, csv_writer, print_table
from tlog.client.client import LogClient
from tlog.client.search import FoundEntry, FoundPage, search
from tlog.client.words import counted

app = new_app()

QUIET_SECONDS: Final = 5
DEFAULT_LIMIT: Final = 50
OPTIONS: Final = {
    "actor_type": "--actor TYPE",
    "actor_id": "--actor ID",
    "target_type": "--target TYPE",
    "target_id": "--target ID",
    "occurred_from": "--occurred-from",
    "occurred_to": "--occurred-to",
    "received_from": "--received-from",
    "received_to": "--received-to",
    **{
        name: f"--{name}"
        for name in ("subject", "action", "source", "outcome", "retention", "correlation", "limit", "cursor")
    },
}
"""What the log calls a filter, and what the command line does."""

EXAMPLES = """\b
Examples:
  tlog search --actor employee e-7 --url https://log.example --token-file auditor.token
  tlog search --subject-file id.txt --occurred-from 2026-01-01 --occurred-to 2026-02-01 --all
  tlog search --action patient.record --outcome denied --limit 200 --csv > denied.csv
  tlog search --target record r-55 --json | jq '.entries[].entry'

\b
All filters given must match; without any, the newest entries are shown. Newest
logged first. A window is from its first instant up to, not including, its last;
a date stands for the start of that day in UTC. An id given by --subject stands in
the shell's history. People whose data were erased are not found by their id any
more, their entries by everything else.
What the log sent is checked against each entry's leaf.

\b
--csv writes subjects and targets as JSON arrays. A cell that a spreadsheet could
take for a formula (it begins with = + - or @) gets a leading apostrophe.

\b
Exit codes: 0 done, also if nothing was found; 1 refused, failed, or an entry is
damaged (the others are printed); 2 wrong usage.
"""

Pair = tuple[str, str] | None
Text = str | None
_OF: Final = "Filters"


def _option(help_text: str, metavar: str, check: Callable[[Text], Text] | None = None) -> typer.models.OptionInfo:
    made: typer.models.OptionInfo = typer.Option(
        help=help_text, metavar=metavar, show_default=False, rich_help_panel=_OF, callback=check
    )
    return made


@dataclass(slots=True)
class _Results:
    """What has come so far; with `csv`, rows are printed as they come."""

    csv: bool
    entries: list[FoundEntry] = field(default_factory=list)
    next: str | None = None
    count: int = 0
    damaged: int = 0
    scanned: int = 0


@app.command(epilog=EXAMPLES)
def search_command(
    url: Url,
    actor: Annotated[Pair, _option("Who acted.", "TYPE ID")] = None,
    target: Annotated[Pair, _option("What was acted on.", "TYPE ID")] = None,
    subject: Annotated[Text, _option("Whose data, by id.", "ID")] = None,
    subject_file: Annotated[Path | None, _option("File with the id on one line; - is stdin.", "FILE")] = None,
    action: Annotated[Text, _option("That action, or one below it by dots.", "ACTION")] = None,
    source: Annotated[Text, _option("The producer.", "NAME")] = None,
    outcome: Annotated[Text, _option("allowed, denied or failed.", "OUTCOME", check_outcome)] = None,
    retention: Annotated[Text, _option("Retention class.", "CLASS")] = None,
    correlation: Annotated[Text, _option("A trace id or request id.", "ID")] = None,
    occurred_from: Annotated[Text, _option("Not before, by the producer's clock.", "TIME", check_time)] = None,
    occurred_to: Annotated[Text, _option("Before, by the producer's clock.", "TIME", check_time)] = None,
    received_from: Annotated[Text, _option("Not before, by the log's clock.", "TIME", check_time)] = None,
    received_to: Annotated[Text, _option("Before, by the log's clock.", "TIME", check_time)] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help=f"Entries to show, at most; default {DEFAULT_LIMIT}.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Show all there are.")] = False,
    cursor: Annotated[Text, typer.Option(help="Go on where an earlier page ended.", show_default=False)] = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
) -> None:
    """Find entries by who, whose, what and when; newest first."""
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    if every and limit is not None:
        raise typer.BadParameter("give --all or --limit, not both")
    if subject is not None and subject_file is not None:
        raise typer.BadParameter("give one of --subject and --subject-file")
    filters = {
        **_pair("actor", actor),
        **_pair("target", target),
        "subject": subject if subject_file is None else id_in(subject_file),
        "action": action,
        "source": source,
        "outcome": outcome,
        "retention": retention,
        "correlation": correlation,
        "occurred_from": occurred_from,
        "occurred_to": occurred_to,
        "received_from": received_from,
        "received_to": received_to,
    }
    given = {name: value for name, value in filters.items() if value is not None}
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    wanted = None if every else limit or DEFAULT_LIMIT
    with in_option_names(**OPTIONS):
        results = asyncio.run(_search(client, given, wanted, cursor, _Results(as_csv)))
    _show(results, as_json)
    if results.damaged:
        raise failed(f"{counted(results.damaged, 'entry', 'entries')} could not be shown: the log calls them damaged")


def _pair(name: str, pair: Pair) -> dict[str, str | None]:
    return {} if pair is None else {f"{name}_type": pair[0], f"{name}_id": pair[1]}


async def _search(
    client: LogClient, filters: Mapping[str, str], limit: int | None, cursor: str | None, results: _Results
) -> _Results:
    writer = csv_writer(sys.stdout) if results.csv else None
    spoken = monotonic()
    async with client:
        async for page in search(client, filters, limit, cursor):
            _add(results, page)
            if writer is not None:
                writer.writerows(csv_row(found) for found in page.entries)
            if monotonic() - spoken > QUIET_SECONDS:
                spoken = monotonic()
                notice(f"{counted(results.count, 'entry', 'entries')} found so far, {results.scanned} looked at")
    return results


def _add(results: _Results, page: FoundPage) -> None:
    results.next = page.next
    results.scanned += page.scanned
    results.count += len(page.entries)
    results.damaged += sum(found.problem is not None for found in page.entries)
    if not results.csv:
        results.entries += page.entries


def _show(results: _Results, as_json: bool) -> None:
    if as_json:
        emit({"entries": [found.document for found in results.entries], "next": results.next}, "", as_json=True)
        return
    if results.csv:
        sys.stdout.flush()
    elif results.entries:
        print_table(results.entries)
    else:
        print("no entry matches", flush=True)
    if results.next is not None:
        notice(
            f"the first {counted(results.count, 'entry', 'entries')}; there may be more: --all shows them, --limit N "
            f"more at once, --cursor {results.next} the next ones"
        )

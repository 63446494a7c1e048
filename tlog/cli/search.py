"""`tlog search`: find entries by who, whose, what and when."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer

from tlog.cli import search_filters as by
from tlog.cli.checks import in_option_names
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, connect, required_token
from tlog.cli.options import AsJson
from tlog.cli.output import new_app
from tlog.cli.search_results import Results
from tlog.client.client import LogClient
from tlog.client.search import search

app = new_app()

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


@app.command(epilog=EXAMPLES)
def search_command(
    url: Url,
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
    every: Annotated[bool, typer.Option("--all", help="Show all there are.")] = False,
    cursor: by.Cursor = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
    as_csv: by.AsCsv = False,
) -> None:
    """Find entries by who, whose, what and when; newest first."""
    results = Results(as_csv=as_csv, as_json=as_json)
    wanted = by.limit_of(limit, every=every)
    given = by.filters_of(
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
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    with in_option_names(**by.OPTIONS):
        asyncio.run(_search(client, given, wanted, cursor, results))
    results.show()


async def _search(
    client: LogClient, filters: Mapping[str, str], limit: int | None, cursor: str | None, results: Results
) -> None:
    async with client:
        async for page in search(client, filters, limit, cursor):
            results.add(page)

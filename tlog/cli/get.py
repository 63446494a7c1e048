"""`tlog get`: read one entry back."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated
from uuid import UUID

import typer

from tlog.cli.checks import index_or_id
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, connect, required_token
from tlog.cli.entry_text import entry_text
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.client.client import LogClient
from tlog.client.entry_file import parse_entry_file
from tlog.errors import MalformedAnswer

app = new_app()

EXAMPLES = """\b
Examples:
  tlog get 17 --url https://log.example --token-file auditor.token
  tlog get 019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11 --url https://log.example --token-file auditor.token
  tlog get 17 --url https://log.example --token-file auditor.token --json > entry-17.json
  tlog verify entry-17.tlog-proof --policy policy.txt --entry entry-17.json
What the log sent is checked against the entry's leaf.
"""


@app.command(epilog=EXAMPLES)
def get(
    index: Annotated[str, typer.Argument(metavar="INDEX|ID", help="The entry's index, from 0, or its id (a UUID).")],
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Print an entry; with --json, all that is needed to verify it."""
    which = index_or_id(index)
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    data = asyncio.run(_get(client, which if isinstance(which, int) else str(which)))
    entry = parse_entry_file(data)
    entry.verify(entry.leaf)
    if isinstance(which, UUID) and entry.entry.get("id") != str(which):
        raise MalformedAnswer(f"asked for the entry of another id, the log sent entry {entry.index}")
    if isinstance(which, int) and entry.index != which:
        raise MalformedAnswer(f"asked for entry {which}, the log sent entry {entry.index}")
    emit(json.loads(data), entry_text(entry), as_json)


async def _get(client: LogClient, which: int | str) -> bytes:
    async with client:
        return await (client.entry(which) if isinstance(which, int) else client.entry_by_id(which))

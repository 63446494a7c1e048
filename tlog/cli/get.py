"""`tlog get`: read one entry back."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, connect, required_token
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.client.client import LogClient
from tlog.client.entry_file import EntryFile, parse_entry_file
from tlog.client.erased_part import said_of
from tlog.client.words import counted
from tlog.errors import MalformedAnswer

app = new_app()

EXAMPLES = """\b
Examples:
  tlog get 17 --url https://log.example --token-file auditor.token
  tlog get 17 --url https://log.example --token-file auditor.token --json > entry-17.json
  tlog verify entry-17.tlog-proof --policy policy.txt --entry entry-17.json
What the log sent is checked against the entry's leaf.
"""


@app.command(epilog=EXAMPLES)
def get(
    index: Annotated[int, typer.Argument(metavar="INDEX", min=0, help="The entry's index, from 0.")],
    url: Url,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Print an entry; with --json, all that is needed to verify it."""
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    data = asyncio.run(_get(client, index))
    entry = parse_entry_file(data)
    if entry.index != index:
        raise MalformedAnswer(f"asked for entry {index}, the log sent entry {entry.index}")
    entry.verify(entry.leaf)
    emit(json.loads(data), _text(entry), as_json)


async def _get(client: LogClient, index: int) -> bytes:
    async with client:
        return await client.entry(index)


def _text(entry: EntryFile) -> str:
    shown = json.dumps(entry.entry, ensure_ascii=False, indent=2)
    missing = len(entry.erased_digests)
    erased = [f"{counted(missing, 'field was', 'fields were')} erased"] if missing else []
    erased += [f"  {line}" for line in said_of(missing, entry.erasures)]
    return "\n".join([f"entry {entry.index}, leaf {entry.leaf.hex()}", *erased, shown])

"""`tlog get`: read one entry back."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from tlog.audit.erased_part import said_of
from tlog.cli.checks import is_uuid
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, connect, required_token
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.client.client import LogClient
from tlog.client.entry_file import EntryFile, parse_entry_file
from tlog.client.words import counted
from tlog.errors import Malformed, MalformedAnswer
from tlog.formats.encoding import parse_decimal

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
    asked = _index(index)
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    data = asyncio.run(_get(client, index.lower() if asked is None else asked))
    entry = parse_entry_file(data)
    entry.verify(entry.leaf)
    if asked is None and entry.entry.get("id") != index.lower():
        raise MalformedAnswer(f"asked for the entry of another id, the log sent entry {entry.index}")
    if asked is not None and entry.index != asked:
        raise MalformedAnswer(f"asked for entry {asked}, the log sent entry {entry.index}")
    emit(json.loads(data), _text(entry), as_json)


def _index(text: str) -> int | None:
    """Return an index, None for an id. Raises `BadParameter`."""
    if is_uuid(text):
        return None
    try:
        return parse_decimal(text, Malformed, "index")
    except Malformed:
        raise typer.BadParameter("neither an index, from 0, nor an entry's id", param_hint="'INDEX|ID'") from None


async def _get(client: LogClient, which: int | str) -> bytes:
    async with client:
        return await (client.entry(which) if isinstance(which, int) else client.entry_by_id(which))


def _text(entry: EntryFile) -> str:
    shown = json.dumps(entry.entry, ensure_ascii=False, indent=2)
    missing = len(entry.erased_digests)
    erased = [f"{counted(missing, 'field was', 'fields were')} erased"] if missing else []
    erased += [f"  {line}" for line in said_of(missing, entry.erasures)]
    return "\n".join([f"entry {entry.index}, leaf {entry.leaf.hex()}", *erased, shown])

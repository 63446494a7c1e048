"""`tlog prove`: fetch the proof file of one entry."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from tlog.cli.connection import CaFile, RetryFor, Url, connect
from tlog.cli.files import STANDARD, write_file
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.client.client import LogClient
from tlog.errors import NotFound
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.note import parse_note
from tlog.formats.tlog_proof import TlogProof

app = new_app()

POLL_SECONDS = 0.2

EXAMPLES = """\b
Examples:
  tlog prove 17 --url https://log.example -o entry-17.tlog-proof
  tlog verify entry-17.tlog-proof --policy policy.txt
Proofs are public: they hold hashes only, and need no token.
"""


@app.command(epilog=EXAMPLES)
def prove(
    index: Annotated[int, typer.Argument(metavar="INDEX", min=0, help="The entry's index, from 0.")],
    url: Url,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default entry-INDEX.tlog-proof; - is stdout.")
    ] = None,
    wait_for: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to wait until the entry is witnessed.")
    ] = 10,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch an entry's proof file. It is under the newest witnessed checkpoint; 'tlog verify' checks it."""
    if output == STANDARD and as_json:
        raise typer.BadParameter("--json and -o - would both write to stdout")
    proof = asyncio.run(_prove(connect(url, ca_file=ca_file, retry_for=retry_for), index, wait_for))
    path = Path(f"entry-{index}.tlog-proof") if output is None else output
    write_file(path, proof.encode())
    if path != STANDARD:
        size = parse_checkpoint(parse_note(proof.checkpoint).text).size
        values = {"index": index, "size": size, "file": str(path)}
        emit(values, f"wrote {path}: entry {index} of {size}, not verified yet", as_json)


async def _prove(client: LogClient, index: int, wait_for: float) -> TlogProof:
    async with client:
        clock = asyncio.get_running_loop().time
        end = clock() + wait_for
        while True:
            try:
                return await client.proof(index)
            except NotFound:
                if clock() >= end:
                    raise
            await asyncio.sleep(POLL_SECONDS)

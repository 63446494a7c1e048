"""`tlog evidence`: fetch a file that proves entries to somebody who has nothing but a policy."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from tlog.audit.evidence import Evidence, parse_evidence
from tlog.audit.wish import Wish
from tlog.cli import evidence_options as of
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, asked, connect, required_token
from tlog.cli.options import AsJson
from tlog.cli.output import new_app
from tlog.client.client import LogClient
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.errors import MalformedAnswer, NotFound
from tlog.formats.policy import parse_policy

app = new_app()

POLL_SECONDS = 0.2

EXAMPLES = """\b
Examples:
  tlog evidence 17 --url https://log.example --token-file auditor.token -o case-17.json
  tlog evidence 17 18 19 --all --redact actor.ip --redact details -o case.json
  tlog evidence 17 --disclose actor --disclose subjects[0] -o -
  tlog evidence 17 -o case-17.html           (a page that verifies itself in a browser, from disk, offline)
  tlog verify case-17.json --policy policy.txt
Without --disclose or --all, only the core is shown: when, what, by which source, why and on what authority; not
who or whose. A field is named as in an entry (actor.id), a group by its first word (actor). What is not shown
stands in the file as a digest, which completes the leaf and says nothing.
"""


@app.command(epilog=EXAMPLES)
def evidence(
    indices: Annotated[list[int], typer.Argument(metavar="INDEX...", min=0, help="Indices of entries, from 0.")],
    url: Url,
    output: of.Output = None,
    disclose: of.Disclose = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every field.")] = False,
    redact: of.Redact = None,
    html: of.Html = False,
    wait_for: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to wait until all of it is witnessed.")
    ] = 10,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Fetch one file that proves entries, and between which times they were logged."""
    of.check_output(output, as_json=as_json)
    wish = of.wish_of(disclose, redact, everything=everything)
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    data = asked(client, _fetch(client, _body(indices, wish), wait_for))
    found = parse_evidence(data).redacted(wish.hides)  # whatever the log sent, no more than was asked for is written
    _require_asked(found, indices)
    EvidenceVerifier(parse_policy(found.policy.encode())).verify(found)
    of.write_evidence(found, output, html=html, as_json=as_json)


async def _fetch(client: LogClient, body: dict[str, object], wait_for: float) -> bytes:
    clock = asyncio.get_running_loop().time
    end = clock() + wait_for
    while True:
        try:
            return await client.post_json("v1/evidence", body)
        except NotFound as error:
            if clock() >= end or "ask again" not in str(error):
                raise
        await asyncio.sleep(POLL_SECONDS)


def _body(indices: list[int], wish: Wish) -> dict[str, object]:
    return {"indices": sorted(set(indices)), "disclose": wish.disclose, "redact": wish.redact}


def _require_asked(found: Evidence, indices: list[int]) -> None:
    if [entry.index for entry in found.entries] != sorted(set(indices)):
        raise MalformedAnswer("the log sent evidence of other entries than those asked for")

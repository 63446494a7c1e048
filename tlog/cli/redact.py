"""`tlog redact`: take fields out of a file of evidence, offline; what is left still verifies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tlog.audit.evidence import Evidence
from tlog.audit.evidence_html import MAX_HTML_BYTES
from tlog.audit.wish import ALL, Wish
from tlog.cli.evidence_file import is_html, read_evidence
from tlog.cli.files import STANDARD, read_file, write_file
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.client.words import counted
from tlog.errors import BadRequest
from tlog.formats.policy import parse_policy
from web.evidence_page import evidence_page

app = new_app()

EXAMPLES = """\b
Examples:
  tlog redact case.json --redact actor --redact details -o less.json
  tlog redact case.html --redact actor.ip -o less.html
  tlog redact case.html --redact subjects -o -            (JSON, on stdout)
A field is named as in an entry (actor.id), a group by its first word (actor). What is taken out stands in the new
file as its digest; everything else is unchanged and verifies. Needs no network, no log and no token. FILE stays as
it is: whoever has it can still read the fields.
"""


@app.command(epilog=EXAMPLES)
def redact(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Evidence, as JSON or as a page; - is stdin.")],
    fields: Annotated[
        list[str],
        typer.Option(
            "--redact", metavar="FIELD", help="Take out this field or group (repeatable).", show_default=False
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A page if it ends in .html; - is stdout.")
    ],
    as_json: AsJson = False,
) -> None:
    """Take fields out of a file of evidence, offline."""
    if output == STANDARD and as_json:
        raise typer.BadParameter("--json and -o - would both write to stdout")
    wish = Wish([ALL], fields)
    try:
        wish.check()
    except BadRequest as error:
        raise typer.BadParameter(str(error)) from None
    whole = read_evidence(read_file(file, MAX_HTML_BYTES)).evidence
    less = whole.redacted(wish.hides)
    # Also catches a disclosure under a false name, which would have stayed in under that name.
    EvidenceVerifier(parse_policy(less.policy.encode())).verify(less)
    write_file(output, evidence_page(less) if is_html(output) else less.encode())
    if output != STANDARD:
        _say(whole, less, output, as_json)


def _say(whole: Evidence, less: Evidence, output: Path, as_json: bool) -> None:
    gone = _shown(whole) - _shown(less)
    entries = counted(len(less.entries), "entry", "entries")
    values = {"file": str(output), "redacted": gone, "entries": [entry.index for entry in less.entries]}
    emit(values, f"wrote {output}: {entries}, {counted(gone, 'field')} taken out", as_json)


def _shown(evidence: Evidence) -> int:
    return sum(len(entry.disclosures) for entry in evidence.entries)

"""Which fields a file of evidence shows, and where it is written: for every command that makes one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tlog.audit.evidence import Evidence
from tlog.audit.wish import Wish
from tlog.cli.evidence_file import is_html
from tlog.cli.files import STANDARD, write_file
from tlog.cli.output import emit
from tlog.client.words import counted
from tlog.errors import BadRequest
from web.evidence_page import evidence_page

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default evidence-INDEX.json; - is stdout.")
]
Disclose = Annotated[list[str] | None, typer.Option(metavar="FIELD", help="Show this field or group too (repeatable).")]
Redact = Annotated[
    list[str] | None, typer.Option(metavar="FIELD", help="Do not show this field or group (repeatable).")
]
Html = Annotated[
    bool, typer.Option("--html", help="Write a page that verifies itself; so does a FILE that ends in .html.")
]


def wish_of(disclose: Sequence[str] | None, redact: Sequence[str] | None, *, everything: bool) -> Wish:
    """Return which fields are to be shown. Raises `BadParameter`."""
    wish = Wish(["all"] if everything else ["core", *(disclose or ())], redact or ())
    try:
        wish.check()
    except BadRequest as error:
        raise typer.BadParameter(str(error)) from None
    return wish


def check_output(output: Path | None, *, as_json: bool) -> None:
    """Raise `BadParameter` where a file and a report would be mixed."""
    if output == STANDARD and as_json:
        raise typer.BadParameter("--json and -o - would both write to stdout")


def write_evidence(found: Evidence, output: Path | None, *, html: bool, as_json: bool) -> None:
    """Write a file of evidence, by the name of its first entry where it has none, and say so."""
    first = min(entry.index for entry in found.entries)
    path = Path(f"evidence-{first}.{'html' if html else 'json'}") if output is None else output
    write_file(path, evidence_page(found) if html or is_html(path) else found.encode())
    if path != STANDARD:
        what = counted(len(found.entries), "entry", "entries")
        values = {"file": str(path), "entries": [entry.index for entry in found.entries]}
        emit(values, f"wrote {path}: {what}; check it with 'tlog verify' and a policy that you trust", as_json)

"""`tlog subject-access`: a file for a data subject, of every entry about them."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from tlog.audit.subject_access import SubjectAccess
from tlog.audit.subject_access_csv import encode_csv
from tlog.cli.checks import check_time, in_option_names
from tlog.cli.connection import CaFile, RetryFor, TokenFile, Url, asked, connect, required_token
from tlog.cli.files import STANDARD, write_file
from tlog.cli.id_input import id_in
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app, notice
from tlog.cli.progress_bar import progress_bar
from tlog.client.client import LogClient
from tlog.client.subject_access import FetchedAccess, fetch_subject_access
from tlog.client.words import counted
from web.subject_access_page import subject_access_page

app = new_app()

OPTIONS: Final = {
    "subject": "--subject-file",
    "authorised_by": "--authorised-by",
    **{name: f"--{name}" for name in ("from", "to", "evidence")},
}
_UNKNOWN: Final = (
    "nobody of this id is known here: no entry is about them, and the file says so. "
    "Ids are compared character by character: check how it is written"
)
EXAMPLES: Final = """\b
Examples:
  tlog subject-access --subject-file id.txt --authorised-by "D. Officer" --url https://log.example
  tlog subject-access --subject-file - --authorised-by "D. Officer" --format json -o export.json < id.txt
  tlog subject-access --subject-file id.txt --authorised-by "D. Officer" --evidence proof.json
  tlog verify proof.json --policy policy.txt
Employees and other people are left out; the file says what is not in it and why. With --include-details read it
before you hand it out: details may name others whom the log does not know. Each export is an entry of the log. To
print it or make a PDF, open the HTML file in a browser. Needs the token of a data protection officer.
"""


class Format(StrEnum):
    """The form of the file."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


RENDER: Final[dict[Format, Callable[[SubjectAccess], bytes]]] = {
    Format.HTML: subject_access_page,
    Format.JSON: SubjectAccess.encode,
    Format.CSV: encode_csv,
}


@app.command(epilog=EXAMPLES)
def subject_access(
    subject_file: Annotated[Path, typer.Option(metavar="FILE", help="File with the id on one line; - is stdin.")],
    authorised_by: Annotated[str, typer.Option(metavar="NAME", help="Who decided that it may be made.")],
    url: Url,
    form: Annotated[Format, typer.Option("--format", help="Form of the file.")] = Format.HTML,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default subject-access.FORMAT; - is stdout.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", callback=check_time, help="Only what happened at this time or later."),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", callback=check_time, help="Only what happened before this.")
    ] = None,
    include_details: Annotated[
        bool, typer.Option("--include-details", help="Also details, and ids and names of what was acted on.")
    ] = False,
    evidence: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a file that proves the entries, too.")
    ] = None,
    token_file: TokenFile = None,
    retry_for: RetryFor = 10,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Write a file of every entry about one person, for that person, and log that it was made."""
    path = Path(f"subject-access.{form}") if output is None else output
    if STANDARD in {path, evidence} and (as_json or path == evidence):
        raise typer.BadParameter("only one file, and no --json, can go to stdout")
    body: dict[str, object] = {
        "subject": id_in(subject_file),
        "authorised_by": authorised_by,
        "include_details": include_details,
        "evidence": evidence is not None,
        **{name: time for name, time in (("from", start), ("to", end)) if time is not None},
    }
    client = connect(url, token=required_token(token_file), ca_file=ca_file, retry_for=retry_for)
    with in_option_names(**OPTIONS):
        found = _fetch(client, body, as_json)
    # Evidence first: whoever has the file that they came for has all of it.
    if evidence is not None and found.evidence is not None:
        write_file(evidence, found.evidence.encode())
    write_file(path, RENDER[form](found.export))
    if STANDARD not in {path, evidence}:
        _report(found, path, evidence, as_json)
    if not found.export.known:
        notice(_UNKNOWN)


def _fetch(client: LogClient, body: dict[str, object], as_json: bool) -> FetchedAccess:
    with progress_bar(hidden=as_json, transient=True) as bar:
        bar.add_task("the log is collecting the entries", total=None)
        return asked(client, fetch_subject_access(client, body))


def _report(found: FetchedAccess, path: Path, evidence: Path | None, as_json: bool) -> None:
    export = found.export
    proof = str(evidence) if found.evidence is not None else None
    values = {
        "file": str(path),
        "evidence": proof,
        "entries": len(export.entries),
        "unreadable": len(export.unreadable),
        "tree_size": export.tree_size,
        "act": export.act,
        "known": export.known,
    }
    damaged = f" and {len(export.unreadable)} that can't be read" * bool(export.unreadable)
    proved = f"\nwrote {proof}; check it with 'tlog verify' and a policy that you trust" * (proof is not None)
    what = counted(len(export.entries), "entry", "entries")
    said = f"wrote {path}: {what}{damaged}, up to tree size {export.tree_size}; act {export.act}{proved}"
    emit(values, said, as_json)

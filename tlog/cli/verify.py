"""`tlog verify`: check a proof file or a checkpoint, with nothing but a policy file."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tlog.audit.erased_part import said_of
from tlog.audit.evidence_html import MAX_HTML_BYTES
from tlog.cli.evidence_file import is_evidence_file
from tlog.cli.evidence_report import show_evidence
from tlog.cli.files import read_file
from tlog.cli.options import AsJson
from tlog.cli.output import emit, new_app, refused
from tlog.client.entry_file import parse_entry_file
from tlog.client.utc import utc
from tlog.client.verifier import OfflineVerifier, Report
from tlog.errors import Malformed, MalformedProof, VerificationFailed
from tlog.formats.encoding import b64decode, b64encode
from tlog.formats.policy import parse_policy

app = new_app()

_HEX_LEAF = re.compile(r"[0-9a-fA-F]{64}")

EXAMPLES = """\b
Examples:
  tlog verify entry-17.tlog-proof --policy policy.txt
  tlog verify entry-17.tlog-proof --policy policy.txt --entry entry-17.json     (made by 'tlog get 17 --json')
  tlog verify case.json --policy policy.txt                                     (made by 'tlog evidence')
  tlog verify case.html --policy policy.txt                                     (the data in the page; not the page)
  tlog verify checkpoint --policy policy.txt
Needs no network, no log and no database. The policy says whom to trust: get it from somebody you trust.
"""


@app.command(epilog=EXAMPLES)
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Evidence, a .tlog-proof or a checkpoint; - is stdin.")],
    policy: Annotated[Path, typer.Option(help="A tlog-policy file: log keys, witnesses, quorum.", show_default=False)],
    entry: Annotated[
        Path | None, typer.Option(help="The entry, as 'tlog get --json' prints it: check that this is what was logged.")
    ] = None,
    leaf: Annotated[
        str | None, typer.Option(metavar="HEX|BASE64", help="Check that the proof is of this leaf.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify evidence, a proof or a checkpoint offline. Exit 1 with the name of the check that failed."""
    asked = None if leaf is None else _leaf(leaf)
    try:
        trusted, data = parse_policy(read_file(policy)), read_file(file, MAX_HTML_BYTES)
        if is_evidence_file(data):
            show_evidence(trusted, data, alone=entry is None and leaf is None, as_json=as_json)
            return
        entry_file = None if entry is None else parse_entry_file(read_file(entry))
        report = OfflineVerifier(trusted).verify(data, leaf=asked, entry=entry_file)
    except (VerificationFailed, Malformed) as error:
        raise refused(error, as_json) from None
    emit(_values(report), _text(report), as_json)


def _leaf(text: str) -> bytes:
    if _HEX_LEAF.fullmatch(text):
        return bytes.fromhex(text)
    try:
        return b64decode(text, MalformedProof, "--leaf")
    except MalformedProof:
        raise typer.BadParameter("--leaf is neither 64 hexadecimal digits nor base64") from None


def _text(report: Report) -> str:
    lines = [f"ok  {check.name:<14}  {check.detail}" for check in report.checks]
    lines += [f"    not counted     a signature by {name}, which the policy does not list" for name in report.ignored]
    lines += [f"    the log says    {line}" for line in said_of(report.erased_fields, report.erasures)]
    what = "this checkpoint" if report.index is None else f"entry {report.index}"
    when = "" if report.witnessed_at is None else f", logged at or before {utc(report.witnessed_at)}"
    return "\n".join([*lines, f"verified: {what} of {report.checkpoint.origin}{when}"])


def _values(report: Report) -> dict[str, object]:
    return {
        "ok": True,
        "origin": report.checkpoint.origin,
        "size": report.checkpoint.size,
        "root": b64encode(report.checkpoint.root),
        "index": report.index,
        "leaf": None if report.leaf is None else b64encode(report.leaf),
        "witnesses": {name: utc(time) for name, time in report.witnesses.items()},
        "quorum": None if report.quorum is None else asdict(report.quorum),
        "witnessed_at": None if report.witnessed_at is None else utc(report.witnessed_at),
        "checks": [{"name": check.name, "detail": check.detail} for check in report.checks],
        "ignored": list(report.ignored),
        "fields": sorted(report.entry),
        "erased_fields": report.erased_fields,
        "erasures": [part.values() for part in report.erasures],
    }

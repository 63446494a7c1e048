"""What `tlog verify` prints of evidence."""

from __future__ import annotations

import json
from typing import Any

import typer

from tlog.audit.erased_part import said_of
from tlog.cli.evidence_file import EvidenceFile, read_evidence
from tlog.cli.output import emit
from tlog.client.evidence_verifier import EvidenceReport, EvidenceVerifier, ProvedEntry
from tlog.client.utc import utc
from tlog.client.words import counted
from tlog.formats.encoding import b64encode
from tlog.formats.policy import Policy


def show_evidence(policy: Policy, data: bytes, *, alone: bool, as_json: bool) -> None:
    """Verify evidence and print what it proves. Raises `Malformed` and `VerificationFailed` subclasses."""
    if not alone:
        raise typer.BadParameter("evidence holds its entries and leaves: --entry and --leaf are for proof files")
    file = read_evidence(data)
    report = EvidenceVerifier(policy).verify(file.evidence)
    emit(_values(report) | {"page": file.page}, "\n".join(_lines(report, file)), as_json)


def _lines(report: EvidenceReport, file: EvidenceFile) -> list[str]:
    lines = [f"ok  {check.name:<14}  {check.detail}" for check in report.checks]
    if file.page is not None:
        lines.append(f"    the evidence    {file.page}")
    for entry in report.entries:
        lines += ["", f"entry {entry.index} of {report.origin}, {_when(entry)}"]
        lines += [f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in sorted(entry.values.items())]
        if entry.hidden:
            lines.append(f"  and {counted(entry.hidden, 'digest')} of what is not shown")
        if entry.erasures:
            lines += [f"  the file says, unproved: {line}" for line in said_of(entry.hidden, entry.erasures)]
    return [*lines, "", f"{_verified(file)}: {_what(report)}"]


def _verified(file: EvidenceFile) -> str:
    if file.changed:  # beside the verdict, because who reads only that would believe what the page shows
        return "verified; but the page itself was changed, or made by another version of tlog, and may show anything"
    return "verified"


def _what(report: EvidenceReport) -> str:
    if len(report.entries) == 1:
        return f"entry {report.entries[0].index} of {report.origin}, {_when(report.entries[0])}"
    return f"{len(report.entries)} entries of {report.origin}"


def _when(entry: ProvedEntry) -> str:
    if entry.before is None:
        return "when it was logged is not proved: the policy wants no witness"
    after = "" if entry.after is None else f"after {utc(entry.after)} and "
    return f"logged {after}at or before {utc(entry.before)}"


def _values(report: EvidenceReport) -> dict[str, Any]:
    return {
        "ok": True,
        "origin": report.origin,
        "checks": [{"name": check.name, "detail": check.detail} for check in report.checks],
        "sizes": [one.checkpoint.size for one in report.reports],
        "entries": [
            {
                "index": entry.index,
                "leaf": b64encode(entry.leaf),
                "logged_after": None if entry.after is None else utc(entry.after),
                "logged_before": None if entry.before is None else utc(entry.before),
                "fields": dict(sorted(entry.values.items())),
                "hidden_fields": entry.hidden,
                "erasures": [part.values() for part in entry.erasures],
            }
            for entry in report.entries
        ],
    }

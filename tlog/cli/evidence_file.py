"""Files of evidence, as JSON or as a page: reading both, and saying what the page is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from tlog.audit.evidence import Evidence, is_evidence, parse_evidence
from tlog.audit.evidence_html import evidence_in, is_evidence_html
from tlog.errors import Malformed
from web.evidence_page import evidence_page

OURS: Final = "read out of the page, which is byte for byte what this version of tlog makes of it"
CHANGED: Final = (
    "read out of the page; the page itself was made by another version of tlog, or changed: "
    "what it shows in a browser was not checked"
)


class EvidenceFile(NamedTuple):
    """Evidence, nothing of it verified. `page` says what the page is that it was read out of, None for JSON; `changed`,
    that it is not what this version of tlog makes of its evidence."""

    evidence: Evidence
    page: str | None
    changed: bool = False


def is_html(path: Path) -> bool:
    """Tell whether a file of this name is to be a page."""
    return path.suffix.lower() in {".html", ".htm"}


def is_evidence_file(data: bytes) -> bool:
    """Tell whether a file says that it is evidence, as JSON or as a page."""
    return is_evidence_html(data) or is_evidence(data)


def read_evidence(data: bytes) -> EvidenceFile:
    """Return the evidence in a file's bytes. Raises `MalformedEvidence`."""
    if not is_evidence_html(data):
        return EvidenceFile(parse_evidence(data), None)
    evidence = parse_evidence(evidence_in(data))
    changed = not _is_our_page(evidence, data)
    return EvidenceFile(evidence, CHANGED if changed else OURS, changed)


def _is_our_page(evidence: Evidence, data: bytes) -> bool:
    try:
        return evidence_page(evidence) == data
    except Malformed:  # a disclosure that is none: the verifier says so
        return False

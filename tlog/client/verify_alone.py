"""A program that verifies evidence of one entry with nothing but a policy: `python -m tlog.client.verify_alone`.

    stdin    the policy, a NUL byte, the evidence: neither is written to a file
    stdout   {"index": 17, "leaf": "<base64>"}, or {"check": "<the check that failed>", "error": "<why>"}
    exit     0 verified, 1 refused

It imports the verifier and nothing else, because starting it is part of what a drill measures.
"""

from __future__ import annotations

import json
import sys
from typing import Final

from tlog.audit.evidence import MAX_BYTES, parse_evidence
from tlog.client.evidence_verifier import EvidenceVerifier, ProvedEntry
from tlog.errors import Malformed, MalformedEvidence, TlogError, VerificationFailed
from tlog.formats.encoding import b64encode
from tlog.formats.policy import parse_policy

SEPARATOR: Final = b"\0"
MAX_POLICY_BYTES: Final = 1 << 20


def main() -> int:
    """Verify what stands on stdin and return the exit code."""
    policy, _, evidence = sys.stdin.buffer.read(MAX_BYTES + MAX_POLICY_BYTES).partition(SEPARATOR)
    try:
        entry = _only(EvidenceVerifier(parse_policy(policy)).verify(parse_evidence(evidence)).entries)
    except (Malformed, VerificationFailed) as error:
        print(json.dumps({"check": _check_of(error), "error": str(error)}))
        return 1
    print(json.dumps({"index": entry.index, "leaf": b64encode(entry.leaf)}))
    return 0


def _only(entries: tuple[ProvedEntry, ...]) -> ProvedEntry:
    if len(entries) != 1:
        raise MalformedEvidence(f"evidence: of {len(entries)} entries, and one was asked about")
    return entries[0]


def _check_of(error: TlogError) -> str:
    return error.check if isinstance(error, VerificationFailed) else "format"


if __name__ == "__main__":
    sys.exit(main())

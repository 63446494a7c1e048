"""A data subject's export over HTTP: fetched whole, parsed strictly, its evidence verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Raw, Struct

from tlog.audit.evidence import Evidence, parse_evidence
from tlog.audit.subject_access import SubjectAccess, indices_of, parse_subject_access
from tlog.client.answers import decode
from tlog.client.client import LogClient
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.errors import MalformedAnswer
from tlog.formats.policy import parse_policy

PATH = "v1/subject-access"


class _Proved(Struct, frozen=True):
    export: Raw
    evidence: Raw | None


@dataclass(frozen=True, slots=True)
class FetchedAccess:
    """An export, and evidence where it was asked for and there is any."""

    export: SubjectAccess
    evidence: Evidence | None


async def fetch_subject_access(client: LogClient, body: Mapping[str, object]) -> FetchedAccess:
    """Return the export that a body of `POST /v1/subject-access` asks for; `format` must be json.

    Each call is one entry of the log. Raises what the log refuses with; `Malformed` and `VerificationFailed` for an
    answer about somebody else, for evidence of other entries, and where that does not verify under its own policy.
    """
    data = await client.post_json(PATH, body)
    if not body.get("evidence"):
        return FetchedAccess(_about(parse_subject_access(data), body), None)
    proved = decode(data, _Proved)
    export = _about(parse_subject_access(bytes(proved.export)), body)
    evidence = None if proved.evidence is None or proved.evidence == b"null" else parse_evidence(bytes(proved.evidence))
    _verify(export, evidence)
    return FetchedAccess(export, evidence)


def _about(export: SubjectAccess, body: Mapping[str, object]) -> SubjectAccess:
    if export.subject != body["subject"]:
        raise MalformedAnswer("the log sent the export of another person than the one asked for")
    return export


def _verify(export: SubjectAccess, evidence: Evidence | None) -> None:
    proved = [] if evidence is None else [entry.index for entry in evidence.entries]
    if proved != indices_of(export):
        raise MalformedAnswer("the log sent evidence of other entries than those of the export")
    if evidence is not None:
        EvidenceVerifier(parse_policy(evidence.policy.encode())).verify(evidence)

"""A data subject's export over HTTP: fetched whole, parsed strictly, its evidence verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Raw, Struct, structs

from tlog.audit.evidence import Evidence, parse_evidence
from tlog.audit.subject_access import AccessEntry, SubjectAccess, indices_of, parse_subject_access
from tlog.client.answers import decode
from tlog.client.client import LogClient
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.errors import MalformedAnswer
from tlog.formats.policy import parse_policy

PATH = "v1/subject-access"


class _Proved(Struct, frozen=True):
    export: Raw
    evidence: Raw


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
    evidence = None if bytes(proved.evidence) == b"null" else parse_evidence(bytes(proved.evidence))
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
    if evidence is None:
        return
    report = EvidenceVerifier(parse_policy(evidence.policy.encode())).verify(evidence)
    for said, entry in zip(export.entries, report.entries, strict=True):
        if any(value != _said(export, said, name) for name, value in entry.values.items()):
            raise MalformedAnswer(f"entry {entry.index}: the export says something else than its evidence")


def _said(export: SubjectAccess, entry: AccessEntry, name: str) -> object:
    """Return what the export says where evidence has the field `name`."""
    group, _, member = name.partition(".")
    if name == "actor.id":
        return export.subject
    if name == "targets":
        return [_given(structs.asdict(target)) for target in entry.targets]
    if name.startswith("subjects["):
        return _given({"id": export.subject, "data": entry.data})
    return getattr(entry.actor if group == "actor" else entry, member or group, None)


def _given(members: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}

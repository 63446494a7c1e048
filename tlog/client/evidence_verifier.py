"""Verify an evidence file under a trust policy, offline: no network, no database, no clock.

Checks, in this order; the first that fails is raised, and its `check` names it:

    format             the file is tlog-evidence/v1, its hashes are hashes                  MalformedEvidence
    origin, log signature, witness quorum      of every checkpoint, as of a proof file      OriginUnknown, …
    consistency        every checkpoint extends the one before                              ConsistencyInvalid
    time bracket       each entry is under its `size` and not yet under its `after`         BracketInvalid
    inclusion          each leaf is at its index under the checkpoint's root                InclusionInvalid
    disclosures        each entry's fields and digests hash to its leaf                     LeafMismatch, Malformed…

The time bracket of an entry. Its `size` checkpoint was witnessed by the time at which its quorum had cosigned: it was
logged *before* then. Take the latest time T such that the cosignatures of the `after` checkpoint from T on meet the
quorum: until T each of those witnesses had cosigned nothing larger. Any other quorum shares an honest witness with
them, so nothing that contains the entry was witnessed before T: it was logged *after* T, or kept from the witnesses
until then. The log's own clock is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlog.audit.disclosure import parse_disclosure
from tlog.audit.erased_part import ErasedPart
from tlog.audit.evidence import Evidence, EvidenceEntry, hashes, values_of
from tlog.audit.layout import may_hold
from tlog.audit.leaf import verify_disclosures
from tlog.client.verifier import Check, OfflineVerifier, Report
from tlog.client.words import counted
from tlog.errors import BracketInvalid, ConsistencyInvalid, LeafMismatch, MalformedEvidence, OriginUnknown
from tlog.formats.policy import Policy
from tlog.merkle.hashing import leaf_hash
from tlog.merkle.verify import verify_consistency, verify_inclusion


@dataclass(frozen=True, slots=True)
class ProvedEntry:
    """What evidence proves of one entry: the disclosed values by field name, and POSIX seconds between which it was
    logged; None where the policy wants no witness, or where no witnessed checkpoint is older."""

    index: int
    leaf: bytes
    values: Mapping[str, Any]
    hidden: int
    after: int | None
    before: int | None
    erasures: Sequence[ErasedPart]


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """What a file proves under a policy. `reports` are those of its checkpoints, smallest first."""

    origin: str
    reports: tuple[Report, ...]
    entries: tuple[ProvedEntry, ...]
    checks: tuple[Check, ...]


class EvidenceVerifier:
    """Decides by one policy."""

    def __init__(self, policy: Policy) -> None:
        self._verifier = OfflineVerifier(policy)

    def verify(self, evidence: Evidence) -> EvidenceReport:
        """Verify a file. Raises `Malformed` and `VerificationFailed` subclasses."""
        reports = [self._verifier.verify_checkpoint(note.encode()) for note in evidence.checkpoints]
        by_size = _by_size(evidence, reports)
        _verify_chain(evidence, reports)
        proved = tuple(_proved(entry, by_size) for entry in evidence.entries)
        return EvidenceReport(evidence.origin, tuple(reports), proved, _checks(reports, proved))


def _by_size(evidence: Evidence, reports: Sequence[Report]) -> dict[int, Report]:
    for report in reports:
        if report.checkpoint.origin != evidence.origin:
            raise OriginUnknown(f"a checkpoint is of {report.checkpoint.origin}, the evidence of {evidence.origin}")
    sizes = [report.checkpoint.size for report in reports]
    if sizes != sorted(set(sizes)):
        raise MalformedEvidence("evidence: its checkpoints are not of rising sizes")
    return dict(zip(sizes, reports, strict=True))


def _verify_chain(evidence: Evidence, reports: Sequence[Report]) -> None:
    if len(evidence.consistency) != len(reports) - 1:
        raise ConsistencyInvalid(f"{len(reports)} checkpoints need {len(reports) - 1} consistency proofs between them")
    for older, newer, proof in zip(reports, reports[1:], evidence.consistency, strict=False):
        old, new = older.checkpoint, newer.checkpoint
        verify_consistency(old.size, new.size, hashes(proof), old.root, new.root)


def _bracket(entry: EvidenceEntry, by_size: Mapping[int, Report]) -> tuple[Report, Report | None]:
    covering = by_size.get(entry.size)
    earlier = None if entry.after is None else by_size.get(entry.after)
    if covering is None or (entry.after is not None and earlier is None):
        raise BracketInvalid(f"entry {entry.index}: a checkpoint that it names is not in the evidence")
    if entry.after is not None and entry.after > entry.index:
        raise BracketInvalid(f"entry {entry.index}: the checkpoint of size {entry.after} contains it already")
    return covering, earlier


def _proved(entry: EvidenceEntry, by_size: Mapping[int, Report]) -> ProvedEntry:
    covering, earlier = _bracket(entry, by_size)
    [leaf] = hashes([entry.leaf])
    checkpoint = covering.checkpoint
    verify_inclusion(leaf_hash(leaf), entry.index, checkpoint.size, hashes(entry.inclusion), checkpoint.root)
    values = _disclosed(entry, leaf)
    after = None if earlier is None else earlier.unseen_until
    return ProvedEntry(
        entry.index, leaf, values, len(entry.digests), after, covering.witnessed_at, tuple(entry.erasures)
    )


def _disclosed(entry: EvidenceEntry, leaf: bytes) -> dict[str, Any]:
    values = verify_disclosures(values_of(entry.disclosures), hashes(entry.digests), leaf)
    for name, text in entry.disclosures.items():
        if parse_disclosure(text).name != name:
            raise LeafMismatch(f"entry {entry.index}: the disclosure under the name {name} is that of another field")
    for erased in entry.erasures:
        if shown := [name for name in entry.disclosures if may_hold(erased.part, name)]:
            raise LeafMismatch(f"entry {entry.index}: {erased.part} is named as erased, but {shown[0]} is disclosed")
    return values


def _checks(reports: Sequence[Report], proved: Sequence[ProvedEntry]) -> tuple[Check, ...]:
    newest = reports[-1]
    own = {check.name: check for check in newest.checks}
    many = "" if len(reports) == 1 else f" (each of {len(reports)} checkpoints)"
    fields = sum(len(entry.values) for entry in proved)
    hidden = sum(entry.hidden for entry in proved)
    return (
        own["origin"],
        *(Check(name, f"{own[name].detail}{many}") for name in ("log signature", "witness quorum")),
        Check("consistency", f"{counted(len(reports), 'checkpoint')}, each extends the one before"),
        Check("inclusion", f"{counted(len(proved), 'entry', 'entries')} under a checkpoint"),
        Check("disclosures", f"{counted(fields, 'field')} shown, {hidden} not: they hash to the leaves"),
    )

"""Verify an evidence file under a trust policy, offline: no network, no database, no clock.

Checks, in this order; the first that fails is raised, and its `check` names it:

    format             the file is tlog-evidence/v1, its hashes are hashes                  MalformedEvidence
    origin, log signature, witness quorum      of every checkpoint, as of a proof file      OriginUnknown, …
    consistency        every checkpoint extends the one before                              ConsistencyInvalid
    time bracket       each entry is under its `size` and not yet under its `after`         BracketInvalid
    inclusion          each leaf is at its index under the checkpoint's root                InclusionInvalid
    disclosures        each entry's fields and digests hash to its leaf                     LeafMismatch, Malformed…

The time bracket of an entry. Its `size` checkpoint was witnessed by the time at which its quorum had cosigned: it was
logged *before* then. Of its `after` checkpoint take the latest time T from which on so many had cosigned it that the
others alone are no quorum (`Policy.unseen_until`). Any larger tree that a quorum cosigned has the cosignature of one of
those, and each of them cosigned it after T: so the entry was logged *after* T, or kept from the witnesses until then.
This needs that one of those in both quorums is honest: with a quorum of 2 in 3 one colluder is one too many, and with
1 in 3 nothing is said unless all three cosigned. The log's own clock is not asked.
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
        _require_rising([entry.index for entry in evidence.entries], "entries")
        by_size = _by_size(evidence, reports)
        _verify_chain(evidence, reports)
        proved = tuple(_proved(entry, by_size) for entry in evidence.entries)
        return EvidenceReport(evidence.origin, tuple(reports), proved, _checks(reports, proved))


def _by_size(evidence: Evidence, reports: Sequence[Report]) -> dict[int, Report]:
    for report in reports:
        if report.checkpoint.origin != evidence.origin:
            raise OriginUnknown(f"a checkpoint is of {report.checkpoint.origin}, the evidence of {evidence.origin}")
    sizes = [report.checkpoint.size for report in reports]
    _require_rising(sizes, "checkpoints")
    return dict(zip(sizes, reports, strict=True))


def _require_rising(numbers: list[int], what: str) -> None:
    if numbers != sorted(set(numbers)):
        raise MalformedEvidence(f"evidence: its {what} are not in rising order, each once")


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
    if after is not None and covering.witnessed_at is not None and after > covering.witnessed_at:
        raise BracketInvalid(f"entry {entry.index}: it would have been logged before the time after which it was")
    return ProvedEntry(
        entry.index, leaf, values, len(entry.digests), after, covering.witnessed_at, tuple(entry.erasures)
    )


def _disclosed(entry: EvidenceEntry, leaf: bytes) -> dict[str, Any]:
    values = verify_disclosures(values_of(entry.disclosures), hashes(entry.digests), leaf)
    for name, text in entry.disclosures.items():
        if parse_disclosure(text).name != name:
            raise LeafMismatch(f"entry {entry.index}: the disclosure under the name {name} is that of another field")
    if entry.erasures and not entry.digests:
        raise LeafMismatch(f"entry {entry.index}: parts are named as erased, but every field is disclosed")
    for erased in entry.erasures:
        if shown := [name for name in entry.disclosures if may_hold(erased.part, name)]:
            raise LeafMismatch(f"entry {entry.index}: {erased.part} is named as erased, but {shown[0]} is disclosed")
    return values


def _checks(reports: Sequence[Report], proved: Sequence[ProvedEntry]) -> tuple[Check, ...]:
    newest = reports[-1]
    own = {check.name: check.detail for check in newest.checks}
    count = counted(len(reports), "checkpoint")
    fields = sum(len(entry.values) for entry in proved)
    hidden = sum(entry.hidden for entry in proved)
    return (
        Check("origin", own["origin"]),
        *(Check(name, f"of {count}; the newest: {own[name]}") for name in ("log signature", "witness quorum")),
        Check("consistency", f"{count}, each extends the one before"),
        Check("time bracket", f"{counted(len(proved), 'entry', 'entries')} between the checkpoints that they name"),
        Check("inclusion", f"{counted(len(proved), 'entry', 'entries')} under a checkpoint"),
        Check("disclosures", f"{counted(fields, 'field')} and {counted(hidden, 'digest')} make the leaves"),
    )

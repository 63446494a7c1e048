"""Verify a checkpoint or a proof file under a trust policy, offline: no network, no database, no clock.

Checks, in this order; the first that fails is raised, and its `check` names it:

    format                 the file is a .tlog-proof or a signed checkpoint      Malformed…
    origin                 the policy lists the log that the checkpoint names    OriginUnknown
    log signature          one of its keys signed, and none of its signatures    NoTrustedSignature,
                           or of a listed witness fails                          SignatureInvalid
    witness quorum         as many witnesses cosigned as the policy wants        QuorumNotMet
    leaf                   the proof is of the leaf it was asked about           LeafMismatch
    inclusion              the leaf is at the index, under the checkpoint's root InclusionInvalid
    disclosures            the entry's fields hash to that leaf                  LeafMismatch, Malformed…

What passed is listed in the report, with what it rests on. Signature lines by keys that the policy does not
list prove nothing; signed-note has them ignored, and the report names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from tlog.audit.erased_part import ErasedPart
from tlog.client.entry_file import EntryFile
from tlog.client.quorum_report import QuorumReport, quorum_detail, quorum_report
from tlog.client.words import counted
from tlog.errors import InclusionInvalid, LeafMismatch, NoTrustedSignature
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.encoding import b64encode
from tlog.formats.note import parse_note
from tlog.formats.policy import Policy, VerifiedCheckpoint
from tlog.formats.quorum import printable
from tlog.formats.tlog_proof import TlogProof, parse_tlog_proof
from tlog.merkle.hashing import leaf_hash
from tlog.merkle.verify import verify_inclusion

_PROOF_START: Final = b"c2sp.org/tlog-proof@"


@dataclass(frozen=True, slots=True)
class Check:
    """A check that passed, and what it found, for people."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a file proves under a policy.

    `witnesses` has POSIX seconds by the policy's witness names (where a witness has several keys, each is one);
    `quorum` says which members of the quorum witness, None where the policy wants none. `witnessed_at` is the time
    by which the quorum had cosigned: what the file proves existed then; None where the policy wants no witness.
    `ignored` names the signers that the policy does not list. `index` and `leaf` are those of a proof; `entry` has
    the disclosed values by field name. `erased_fields` is how many of its fields are gone, which is proved;
    `erasures` is the log's word on which and why. `unseen_until` is the latest time at which nothing larger than this
    checkpoint can have met the quorum (`Policy.unseen_until`).
    """

    checkpoint: Checkpoint
    witnesses: Mapping[str, int]
    witnessed_at: int | None
    checks: tuple[Check, ...]
    ignored: tuple[str, ...]
    quorum: QuorumReport | None = None
    index: int | None = None
    leaf: bytes | None = None
    entry: Mapping[str, Any] = field(default_factory=dict)
    erased_fields: int = 0
    erasures: tuple[ErasedPart, ...] = ()
    unseen_until: int | None = None


class OfflineVerifier:
    """Decides by one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def verify(self, data: bytes, *, leaf: bytes | None = None, entry: EntryFile | None = None) -> Report:
        """Verify a proof file, or a checkpoint where neither `leaf` nor `entry` is asked about."""
        if data.startswith(_PROOF_START) or leaf is not None or entry is not None:
            return self.verify_proof(parse_tlog_proof(data), leaf=leaf, entry=entry)
        return self.verify_checkpoint(data)

    def verify_checkpoint(self, data: bytes) -> Report:
        """Verify a signed note. Raises `Malformed` and `VerificationFailed` subclasses."""
        try:
            verified = self._policy.verify_checkpoint(data)
        except NoTrustedSignature as error:
            raise NoTrustedSignature(f"{error}{self._rotation_hint(data)}") from None
        return Report(
            verified.checkpoint,
            MappingProxyType({printable(name): time for name, time in verified.cosigned.items()}),
            self._policy.met_at(verified.cosigned),
            self._checkpoint_checks(verified),
            self._ignored(verified),
            quorum_report(self._policy, verified.cosigned),
            unseen_until=self._policy.unseen_until(verified.cosigned),
        )

    def verify_proof(self, proof: TlogProof, *, leaf: bytes | None = None, entry: EntryFile | None = None) -> Report:
        """Verify that a leaf is in the log; that of `entry`, or `leaf`, or else the one the proof carries.

        Raises `Malformed` and `VerificationFailed` subclasses.
        """
        report = self.verify_checkpoint(proof.checkpoint)
        found = _the_leaf(proof, leaf, entry)
        checkpoint = report.checkpoint
        verify_inclusion(leaf_hash(found), proof.index, checkpoint.size, proof.hashes, checkpoint.root)
        checks = [*report.checks, _inclusion(proof, checkpoint, found)]
        report = replace(report, checks=tuple(checks), index=proof.index, leaf=found)
        return report if entry is None else _with_entry(report, entry, found)

    def _rotation_hint(self, data: bytes) -> str:
        """Return what a checkpoint may be that somebody of the log's name signed with a key that is not listed."""
        names = {log.vkey.name for log in self._policy.logs}
        ids = [signature.key_id.hex() for signature in parse_note(data).signatures if signature.name in names]
        if not ids:
            return ""
        return (
            f" with the key ID {' and '.join(ids)}, which the policy does not list: the log may have changed its keys. "
            "Then the policy of that time verifies it (the operator keeps old ones in keys/retired)"
        )

    def _checkpoint_checks(self, verified: VerifiedCheckpoint) -> tuple[Check, ...]:
        signed = {signature.key for signature in verified.note.signatures}
        keys = [log.vkey for log in self._policy.logs if log.vkey.name == verified.checkpoint.origin]
        by = [f"{key.type.name} {key.key_id.hex()}" for key in keys if (key.name, key.key_id) in signed]
        return (
            Check("origin", f"{verified.checkpoint.origin}, a log of the policy"),
            Check("log signature", f"by {' and '.join(by)}"),
            Check("witness quorum", quorum_detail(quorum_report(self._policy, verified.cosigned), verified.cosigned)),
        )

    def _ignored(self, verified: VerifiedCheckpoint) -> tuple[str, ...]:
        policy = self._policy
        logs = [log.vkey for log in policy.logs if log.vkey.name == verified.checkpoint.origin]
        known = {(vkey.name, vkey.key_id) for vkey in [*logs, *(witness.vkey for witness in policy.witnesses)]}
        lines = verified.note.signatures
        return tuple(f"{line.name} (key ID {line.key_id.hex()})" for line in lines if line.key not in known)


def _the_leaf(proof: TlogProof, leaf: bytes | None, entry: EntryFile | None) -> bytes:
    asked = leaf if entry is None else entry.leaf
    if leaf is not None and leaf != asked:
        raise LeafMismatch("the entry is not the one with the leaf asked about")
    if asked is not None and proof.extra is not None and proof.extra != asked:
        raise LeafMismatch("the proof carries another leaf than the one asked about")
    found = proof.extra if asked is None else asked
    if found is None:
        raise LeafMismatch("the proof carries no leaf and none was given, so it proves nothing about an entry")
    return found


def _with_entry(report: Report, entry: EntryFile, leaf: bytes) -> Report:
    if entry.index != report.index:
        raise InclusionInvalid(f"the entry says it has index {entry.index}, the proof is of {report.index}")
    values = entry.verify(leaf)
    checks = (*report.checks, _disclosures(entry))
    erased = len(entry.erased_digests)
    return replace(report, checks=checks, entry=values, erased_fields=erased, erasures=entry.erasures)


def _inclusion(proof: TlogProof, checkpoint: Checkpoint, leaf: bytes) -> Check:
    shown = f", leaf {b64encode(leaf)}" if len(leaf) == 32 else f", a leaf of {len(leaf)} bytes"
    return Check("inclusion", f"index {proof.index} of {counted(checkpoint.size, 'leaf', 'leaves')}{shown}")


def _disclosures(entry: EntryFile) -> Check:
    kept = f", {len(entry.erased_digests)} erased" if entry.erased_digests else ""
    return Check("disclosures", f"{counted(len(entry.disclosures), 'field')}{kept}: the disclosures hash to the leaf")

"""What a trust policy decides: is a checkpoint signed by a listed log and cosigned by the quorum?

Rules (https://c2sp.org/tlog-policy "What is a policy?"; `policy` is the file, `policy_scope` the rules on
names and keys, `quorum` the counting):

* A checkpoint is valid if one listed log of its origin signed it and the quorum cosigned it. A log that signs
  with two keys is listed twice under one origin, and either signature will do.
* A listed key's signature that fails refuses the checkpoint, even where others would do (signed-note).
* A cosignature with timestamp 0 says nothing about time, and no witness makes it (tlog-witness
  "add-checkpoint"): it is verified, but not counted.

Example: `Policy((LogLine(log),), (WitnessLine(b"w1", w1),), quorum=b"w1").verify_checkpoint(note)` raises
`QuorumNotMet("quorum w1: 0 of the needed 1 cosigned; missing: w1")` if only the log signed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tlog.errors import OriginUnknown, QuorumNotMet
from tlog.formats.checkpoint import Checkpoint, parse_checkpoint
from tlog.formats.cosignature import cosignature_timestamp, verifier_for
from tlog.formats.encoding import shown
from tlog.formats.note import Note, Verifier, parse_note, verified_signatures, verify_note
from tlog.formats.policy_scope import LogLine, PolicyScope, WitnessLine
from tlog.formats.quorum import NONE, Group, shortfall, witnessing
from tlog.formats.vkey import VKey


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint that a policy accepted, its note, the log's key, and POSIX seconds by witness name."""

    checkpoint: Checkpoint
    note: Note
    log: VKey
    cosigned: Mapping[bytes, int]


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses, groups (members before the groups that name them), and the quorum's name or b"none".

    Making one checks every rule of a policy file; raises MalformedPolicy.
    """

    logs: tuple[LogLine, ...]
    witnesses: tuple[WitnessLine, ...]
    groups: tuple[Group, ...] = ()
    quorum: bytes = NONE

    def __post_init__(self) -> None:
        scope = PolicyScope()
        for log in self.logs:
            scope.add_log(log)
        for witness in self.witnesses:
            scope.add_witness(witness)
        for group in self.groups:
            scope.add_group(group)
        scope.require_quorum(self.quorum)

    def quorum_met(self, witness_names: Collection[bytes]) -> bool:
        """Whether cosignatures by these witnesses suffice. Names of no witness, groups' too, do not count."""
        return self.quorum == NONE or self.quorum in witnessing(self.groups, self._known(witness_names))

    def met_at(self, cosigned: Mapping[bytes, int]) -> int | None:
        """Return the earliest of these times, by witness name, by which the quorum had cosigned; None if it never had,
        or needs nobody."""
        times = [] if self.quorum == NONE else sorted(set(cosigned.values()))
        return next((time for time in times if self.quorum_met([n for n, at in cosigned.items() if at <= time])), None)

    def met_from(self, cosigned: Mapping[bytes, int]) -> int | None:
        """Return the latest of these times such that those who cosigned then or later meet the quorum; else None."""
        times = [] if self.quorum == NONE else sorted(set(cosigned.values()), reverse=True)
        return next((time for time in times if self.quorum_met([n for n, at in cosigned.items() if at >= time])), None)

    def unseen_until(self, cosigned: Mapping[bytes, int]) -> int | None:
        """Return the latest of these times until which nothing larger than what they cosigned had a quorum; else None.

        From that time on so many had cosigned it that the others alone are no quorum: whatever larger tree meets the
        quorum has the cosignature of one of them, made later. That one must be honest, so the quorum should overlap
        in more witnesses than may collude.
        """
        everybody = {witness.name for witness in self.witnesses}
        times = [] if self.quorum == NONE else sorted(set(cosigned.values()), reverse=True)
        others = ((time, everybody - {name for name, at in cosigned.items() if at >= time}) for time in times)
        return next((time for time, left in others if not self.quorum_met(left)), None)

    def verify_checkpoint(self, data: bytes | Note) -> VerifiedCheckpoint:
        """Return the checkpoint of a signed note, if this policy accepts it.

        Raises MalformedNote, MalformedCheckpoint, OriginUnknown, NoTrustedSignature, SignatureInvalid or
        QuorumNotMet.
        """
        note = data if isinstance(data, Note) else parse_note(data)
        checkpoint = parse_checkpoint(note.text)
        log = self._verify_log(note, checkpoint.origin)
        cosigned = self._verify_cosignatures(note)
        if not self.quorum_met(cosigned):
            raise QuorumNotMet(f"quorum {shortfall(self.quorum, self.groups, cosigned)}")
        return VerifiedCheckpoint(checkpoint, note, log, MappingProxyType(cosigned))

    def _known(self, names: Collection[bytes]) -> set[bytes]:
        return {witness.name for witness in self.witnesses if witness.name in names}

    def _verify_log(self, note: Note, origin: str) -> VKey:
        """Return the key of the first log signature; all signatures of the origin's keys are verified."""
        keys = [log.vkey for log in self.logs if log.vkey.name == origin]
        if not keys:
            raise OriginUnknown(f"the policy lists no log {shown(origin)}")
        first = verify_note(note, _verifiers(note, keys))[0]
        return next(key for key in keys if (key.name, key.key_id) == first.key)

    def _verify_cosignatures(self, note: Note) -> dict[bytes, int]:
        """Return the time of each witness's cosignature, by the witness's name in this policy."""
        by_key = {(witness.vkey.name, witness.vkey.key_id): witness for witness in self.witnesses}
        verifiers = _verifiers(note, [witness.vkey for witness in self.witnesses])
        times = {}
        for signature in verified_signatures(note, verifiers):
            witness = by_key[signature.key]
            times[witness.name] = cosignature_timestamp(signature.value, witness.vkey.type)
        return {name: time for name, time in times.items() if time}


def _verifiers(note: Note, keys: Collection[VKey]) -> list[Verifier]:
    """Return verifiers of those keys that the note names; an ML-DSA-44 key is costly to set up."""
    named = {signature.key for signature in note.signatures}
    return [verifier_for(key) for key in keys if (key.name, key.key_id) in named]

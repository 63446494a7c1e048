"""Evidence of one entry as its page shows it: verified as anybody would verify it, and drawn. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tlog.audit.evidence import Evidence, hashes
from tlog.client.evidence_verifier import EvidenceVerifier
from tlog.errors import TlogError
from tlog.formats.encoding import b64encode
from tlog.formats.policy import Policy
from tlog.merkle.hashing import leaf_hash
from web.bracket_drawing import Bracket, draw_bracket
from web.tree_drawing import Ladder, Node, inclusion_ladder


@dataclass(frozen=True, slots=True)
class EntryProof:
    """Evidence, its file as text, its drawings, and why it does not verify, if so."""

    evidence: Evidence
    text: str
    ladder: Ladder
    bracket: Bracket | None
    fault: str | None

    @property
    def size(self) -> int:
        """The size of the checkpoint that it is under."""
        return self.evidence.entries[0].size

    @property
    def inclusion(self) -> list[str]:
        """The hashes of the inclusion proof, base64."""
        return self.evidence.entries[0].inclusion

    def hash_of(self, node: Node) -> str | None:
        """Return the hash of a node as far as the proof has it, base64."""
        if node.place is not None:
            return self.inclusion[node.place]
        if node.kind != "leaf":
            return None
        [leaf] = hashes([self.evidence.entries[0].leaf])
        return b64encode(leaf_hash(leaf))


def entry_proof(evidence: Evidence, policy: Policy, received_at: int) -> EntryProof:
    """Return the proof of evidence that holds one entry; `received_at` is the log's time in microseconds."""
    after = before = fault = None
    try:
        proved = EvidenceVerifier(policy).verify(evidence).entries[0]
    except TlogError as error:
        fault = str(error)
    else:
        after, before = (None if time is None else time * 1_000_000 for time in (proved.after, proved.before))
    entry = evidence.entries[0]
    bracket = draw_bracket(after, before, received_at)
    text = evidence.encode().decode()
    return EntryProof(evidence, text, inclusion_ladder(entry.index, entry.size), bracket, fault)

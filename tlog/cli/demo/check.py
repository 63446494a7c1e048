"""What `tlog demo --once` checks offline, with the policy and what it fetched over HTTP and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from tlog.cli.demo.concurrent import all_of
from tlog.client.client import LogClient
from tlog.client.entry_file import parse_entry_file
from tlog.client.verifier import OfflineVerifier
from tlog.errors import ConsistencyInvalid, InclusionInvalid, LeafMismatch, MalformedAnswer
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.encoding import b64decode
from tlog.formats.tlog_proof import TlogProof
from tlog.merkle.verify import verify_consistency


class Auditor:
    """Fetches and verifies. Methods raise `VerificationFailed` and `Malformed` subclasses."""

    def __init__(self, verifier: OfflineVerifier, client: LogClient, ids: Mapping[int, str]) -> None:
        """`ids` has the id of each entry by the index that the log acknowledged it at."""
        self._verifier = verifier
        self._client = client
        self._ids = ids

    async def proofs(self, indices: list[int]) -> list[TlogProof]:
        """Fetch the proofs of these indices and verify each."""
        proofs = await all_of(self._client.proof(index) for index in indices)
        for proof in proofs:
            self._verifier.verify_proof(proof)
        return list(proofs)

    async def entries(self, proofs: list[TlogProof]) -> None:
        """Fetch the proofs' entries; check that their disclosures make up the leaves, and that they are those sent."""
        answers = await all_of(self._client.entry(proof.index) for proof in proofs)
        for proof, answer in zip(proofs, answers, strict=True):
            report = self._verifier.verify_proof(proof, entry=parse_entry_file(answer))
            if report.entry.get("id") != self._ids[proof.index]:
                raise LeafMismatch(f"the entry at index {proof.index} is another than the one acknowledged there")

    async def checkpoints(self, size: int) -> list[Checkpoint]:
        """Fetch every witnessed checkpoint, the last of at least this size, and verify each under the policy."""
        found = []
        async for stored in self._client.checkpoints():
            checkpoint = self._verifier.verify_checkpoint(stored.note.encode()).checkpoint
            if checkpoint.size != stored.size:
                raise ConsistencyInvalid(f"a checkpoint of size {checkpoint.size} is listed under {stored.size}")
            found.append(checkpoint)
        if not found or found[-1].size < size:
            raise InclusionInvalid(f"the listed checkpoints do not reach the published size {size}")
        return found

    async def consistency(self, checkpoints: list[Checkpoint]) -> int:
        """Verify that every checkpoint extends the one before; return how many pairs."""
        pairs = list(pairwise(checkpoints))
        await all_of(self._extends(old, new) for old, new in pairs)
        return len(pairs)

    async def _extends(self, old: Checkpoint, new: Checkpoint) -> None:
        answer = await self._client.consistency(old.size, new.size)
        hashes = [b64decode(text, MalformedAnswer, "consistency proof", 32) for text in answer.hashes]
        verify_consistency(old.size, new.size, hashes, old.root, new.root)

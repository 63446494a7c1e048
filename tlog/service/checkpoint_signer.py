"""The log's own signatures on a checkpoint: Ed25519, and ML-DSA-44 as a second one for the time after it.

The public witness network asks for at least one Ed25519 signature (tlog-tiles, "Checkpoints"); the
ML-DSA-44 one has the cosignature form 0x06 under the log's own name, which is its origin.
"""

from __future__ import annotations

from collections.abc import Sequence

from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import MlDsa44CosignatureSigner, verifier_for
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.note import Note, Verifier
from tlog.formats.vkey import VKey


class CheckpointSigner:
    """Signs checkpoints of one origin."""

    def __init__(
        self,
        ed25519: Ed25519Signer,
        ml_dsa_44: MlDsa44CosignatureSigner,
        following: Sequence[tuple[Ed25519Signer, MlDsa44CosignatureSigner]] = (),
        retired: Sequence[VKey] = (),
    ) -> None:
        """Sign with a pair, and while keys are changed with the `following` one too; `retired` keys only verify."""
        self._pairs = ((ed25519, ml_dsa_44), *following)
        self.retired = tuple(retired)

    @property
    def origin(self) -> str:
        """The log's name, which is the origin of its checkpoints."""
        return self._pairs[0][0].vkey.name

    @property
    def vkeys(self) -> tuple[VKey, ...]:
        """The Ed25519 and the ML-DSA-44 verifier key of each pair that signs."""
        return tuple(signer.vkey for pair in self._pairs for signer in pair)

    def verifiers(self) -> list[Verifier]:
        """Return what recognises this log's signatures, those of replaced keys included."""
        return [verifier_for(vkey) for vkey in (*self.vkeys, *self.retired)]

    def sign(self, size: int, root: bytes, seconds: int) -> Note:
        """Return the signed checkpoint; `seconds` (POSIX, not 0) is the time in the ML-DSA-44 signature."""
        text = Checkpoint(self.origin, size, root).text()
        signatures = [(first.sign(text), second.cosign(text, seconds)) for first, second in self._pairs]
        return Note(text, tuple(signature for pair in signatures for signature in pair))

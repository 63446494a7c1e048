"""The log's own signatures on a checkpoint: Ed25519, and ML-DSA-44 as a second one for the time after it.

The public witness network asks for at least one Ed25519 signature (tlog-tiles, "Checkpoints"); the
ML-DSA-44 one has the cosignature form 0x06 under the log's own name, which is its origin.
"""

from __future__ import annotations

from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import MlDsa44CosignatureSigner, verifier_for
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.note import Note, Verifier
from tlog.formats.vkey import VKey


class CheckpointSigner:
    """Signs checkpoints of one origin."""

    def __init__(self, ed25519: Ed25519Signer, ml_dsa_44: MlDsa44CosignatureSigner) -> None:
        self._ed25519 = ed25519
        self._ml_dsa_44 = ml_dsa_44

    @property
    def origin(self) -> str:
        """The log's name, which is the origin of its checkpoints."""
        return self._ed25519.vkey.name

    @property
    def vkeys(self) -> tuple[VKey, VKey]:
        """The Ed25519 and the ML-DSA-44 verifier key."""
        return self._ed25519.vkey, self._ml_dsa_44.vkey

    def verifiers(self) -> list[Verifier]:
        """Return what recognises this log's signatures."""
        return [verifier_for(vkey) for vkey in self.vkeys]

    def sign(self, size: int, root: bytes, seconds: int) -> Note:
        """Return the signed checkpoint; `seconds` (POSIX, not 0) is the time in the ML-DSA-44 signature."""
        text = Checkpoint(self.origin, size, root).text()
        return Note(text, (self._ed25519.sign(text), self._ml_dsa_44.cosign(text, seconds)))

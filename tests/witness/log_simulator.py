"""A log for the witness to watch: naive RFC 6962 over leaves in memory, both key types, and every way to misbehave."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tlog.formats.add_checkpoint import AddCheckpoint
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import MlDsa44CosignatureSigner
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.note import Note, Signature

LOG_TIME = 1_700_000_000


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, letter by letter."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = _split(len(leaves))
    return hashlib.sha256(b"\1" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def consistency(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n]) of RFC 6962 section 2.1.2."""
    return _subproof(m, leaves, whole=True) if 0 < m < len(leaves) else []


def _subproof(m: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*_subproof(m, leaves[:k], whole=whole), tree_hash(leaves[k:])]
    return [*_subproof(m - k, leaves[k:], whole=False), tree_hash(leaves[:k])]


def _split(n: int) -> int:
    return 1 << ((n - 1).bit_length() - 1)


@dataclass
class LogSimulator:
    """A log of `leaves`. `branch` copies it up to a size with other leaves after: a split view."""

    origin: str
    leaves: list[bytes]
    ed25519: Ed25519Signer
    ml_dsa_44: MlDsa44CosignatureSigner

    @classmethod
    def make(cls, origin: str = "log.example/a", size: int = 32, branch: str = "main") -> LogSimulator:
        ed25519 = Ed25519Signer(origin, Ed25519PrivateKey.generate())
        ml_dsa_44 = MlDsa44CosignatureSigner(origin, MLDSA44PrivateKey.generate())
        return cls(origin, [f"{branch} {i}".encode() for i in range(size)], ed25519, ml_dsa_44)

    def branch(self, size: int) -> LogSimulator:
        other = [f"fork {i}".encode() for i in range(size, len(self.leaves))]
        return LogSimulator(self.origin, self.leaves[:size] + other, self.ed25519, self.ml_dsa_44)

    def root(self, size: int) -> bytes:
        return tree_hash(self.leaves[:size])

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency(old, self.leaves[:new])

    def text(self, size: int, root: bytes | None = None, extensions: tuple[str, ...] = ()) -> str:
        return Checkpoint(self.origin, size, self.root(size) if root is None else root, extensions).text()

    def sign(self, text: str, keys: str = "both") -> tuple[Signature, ...]:
        ed25519 = [self.ed25519.sign(text)] if keys in ("ed25519", "both") else []
        ml_dsa_44 = [self.ml_dsa_44.cosign(text, LOG_TIME)] if keys in ("ml-dsa-44", "both") else []
        return (*ed25519, *ml_dsa_44)

    def note(self, size: int, keys: str = "both", root: bytes | None = None, extensions: tuple[str, ...] = ()) -> Note:
        text = self.text(size, root, extensions)
        return Note(text, self.sign(text, keys))

    def request(
        self,
        old: int,
        new: int,
        *,
        keys: str = "both",
        root: bytes | None = None,
        proof: Sequence[bytes] | None = None,
        extensions: tuple[str, ...] = (),
        extra: Sequence[Signature] = (),
    ) -> bytes:
        """The body of add-checkpoint; every part of it can be made wrong."""
        note = self.note(new, keys, root, extensions)
        whole = Note(note.text, (*note.signatures, *extra))
        return body(old, self.proof(old, new) if proof is None else proof, whole.encode())


def body(old: int, proof: Sequence[bytes], checkpoint: bytes) -> bytes:
    return AddCheckpoint(old, tuple(proof), checkpoint).encode()

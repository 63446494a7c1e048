"""A log of a few leaves, signed with both keys and cosigned by three witnesses, and policies for it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.merkle import oracle
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import Ed25519CosignatureSigner, MlDsa44CosignatureSigner
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.note import Note
from tlog.formats.policy import Group, LogLine, Policy, WitnessLine
from tlog.formats.tlog_proof import TlogProof

ORIGIN = "log.example/audit"
TIME = 1_770_000_000
LEAVES = [bytes([i]) * 32 for i in range(11)]
Witness = Ed25519CosignatureSigner | MlDsa44CosignatureSigner


def hashed(leaves: Sequence[bytes]) -> list[bytes]:
    return [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]


def seed(label: str) -> bytes:
    return hashlib.sha256(label.encode()).digest()


@dataclass(frozen=True, slots=True)
class Signers:
    """The two keys of a log."""

    ed25519: Ed25519Signer
    ml_dsa_44: MlDsa44CosignatureSigner

    @classmethod
    def of(cls, label: str, origin: str = ORIGIN) -> Signers:
        return cls(
            Ed25519Signer(origin, Ed25519PrivateKey.from_private_bytes(seed(label))),
            MlDsa44CosignatureSigner(origin, MLDSA44PrivateKey.from_seed_bytes(seed(label))),
        )

    def sign(self, text: str) -> Note:
        return Note(text, (self.ed25519.sign(text), self.ml_dsa_44.cosign(text, TIME)))


LOG = Signers.of("log")
OTHER_LOG = Signers.of("another log")
WITNESSES: tuple[Witness, ...] = (
    Ed25519CosignatureSigner("w1.example", Ed25519PrivateKey.from_private_bytes(seed("w1"))),
    Ed25519CosignatureSigner("w2.example", Ed25519PrivateKey.from_private_bytes(seed("w2"))),
    MlDsa44CosignatureSigner("w3.example", MLDSA44PrivateKey.from_seed_bytes(seed("w3"))),
)


def policy(log: Signers = LOG, quorum: int = 2) -> Policy:
    """`quorum` of the three witnesses w1, w2, w3."""
    lines = tuple(WitnessLine(b"w%d" % i, witness.vkey) for i, witness in enumerate(WITNESSES, 1))
    group = Group(b"q", quorum, (b"w1", b"w2", b"w3"))
    return Policy((LogLine(log.ed25519.vkey), LogLine(log.ml_dsa_44.vkey)), lines, (group,), b"q")


def checkpoint(leaves: Sequence[bytes] = LEAVES, witnesses: Sequence[int] = (0, 1), log: Signers = LOG) -> Note:
    """A checkpoint cosigned by these witnesses; number i cosigned i seconds after `TIME`."""
    text = Checkpoint(ORIGIN, len(leaves), oracle.mth(hashed(leaves))).text()
    return log.sign(text).with_signatures(WITNESSES[i].cosign(text, TIME + i) for i in witnesses)


def proof(
    index: int = 5, leaves: Sequence[bytes] = LEAVES, witnesses: Sequence[int] = (0, 1), log: Signers = LOG
) -> TlogProof:
    hashes = tuple(oracle.path(index, hashed(leaves)))
    return TlogProof(index, hashes, checkpoint(leaves, witnesses, log).encode(), extra=leaves[index])

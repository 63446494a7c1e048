"""Keys, notes and checkpoints that the tests of the formats share. All keys come from fixed seeds."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import strategies as st

from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import Ed25519CosignatureSigner, MlDsa44CosignatureSigner
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.note import Note

ORIGIN = "example.com/log"
TIME = 1_700_000_000


def seed(label: str) -> bytes:
    return hashlib.sha256(label.encode()).digest()


def ed25519_key(label: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed(label))


def ml_dsa_key(label: str) -> MLDSA44PrivateKey:
    return MLDSA44PrivateKey.from_seed_bytes(seed(label))


LOG = Ed25519Signer(ORIGIN, ed25519_key("log"))
LOG_PQ = MlDsa44CosignatureSigner(ORIGIN, ml_dsa_key("log"))
WITNESSES = [Ed25519CosignatureSigner(f"w{i}.example", ed25519_key(f"w{i}")) for i in (1, 2, 3)]
WITNESS_PQ = MlDsa44CosignatureSigner("w4.example", ml_dsa_key("w4"))
CHECKPOINT = Checkpoint(ORIGIN, 1234, seed("root"))


def signed(checkpoint: Checkpoint = CHECKPOINT, witnesses: int = 0, time: int = TIME) -> Note:
    """A checkpoint signed by the log and cosigned by the first `witnesses` witnesses."""
    text = checkpoint.text()
    cosignatures = [witness.cosign(text, time) for witness in WITNESSES[:witnesses]]
    return Note(text, (LOG.sign(text), *cosignatures))


# What a line may hold: UTF-8 without control characters below U+0020.
line_chars = st.characters(min_codepoint=0x20, exclude_categories=["Cs"])
lines = st.text(line_chars, min_size=1, max_size=40)
key_names = lines.map(lambda s: "".join(c for c in s if not c.isspace() and c != "+")).filter(bool)
hashes = st.binary(min_size=32, max_size=32)
sizes = st.integers(0, 2**63 - 1)
checkpoints = st.builds(
    Checkpoint, origin=lines, size=sizes, root=hashes, extensions=st.lists(lines, max_size=3).map(tuple)
)

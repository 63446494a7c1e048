"""Corrupted copies: each is refused by the check that its place belongs to, and an acceptance does not go unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tlog.cli.demo.tamper import refusals, tampered
from tlog.client.verifier import OfflineVerifier
from tlog.errors import MalformedProof
from tlog.formats.checkpoint import Checkpoint
from tlog.formats.cosignature import Ed25519CosignatureSigner
from tlog.formats.ed25519 import Ed25519Signer
from tlog.formats.note import Note
from tlog.formats.policy import Group, LogLine, Policy, WitnessLine
from tlog.formats.tlog_proof import TlogProof, parse_tlog_proof
from tlog.merkle.hashing import leaf_hash, node_hash

LOG = Ed25519Signer("log.example", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WITNESSES = [
    Ed25519CosignatureSigner(f"w{n}.example", Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2, 3)
]


def verifier(needed: int) -> OfflineVerifier:
    lines = tuple(WitnessLine(b"w%d" % n, witness.vkey) for n, witness in enumerate(WITNESSES))
    group = Group(b"quorum", needed, tuple(line.name for line in lines))
    return OfflineVerifier(Policy((LogLine(LOG.vkey),), lines, (group,), b"quorum"))


def proof() -> bytes:
    leaf, sibling = b"l" * 32, leaf_hash(b"s" * 32)
    text = Checkpoint("log.example", 2, node_hash(leaf_hash(leaf), sibling)).text()
    note = Note(text, (LOG.sign(text), *(witness.cosign(text, 1_770_000_000) for witness in WITNESSES)))
    return TlogProof(0, (sibling,), note.encode(), leaf).encode()


def test_every_place_is_refused_by_its_check() -> None:
    assert verifier(2).verify(proof()).index == 0
    assert refusals(verifier(2), proof()) == {
        "leaf": "inclusion",
        "hash": "inclusion",
        "index": "inclusion",
        "tree size": "signature",
        "root hash": "signature",
        "origin": "origin",
        "log signature": "signature",
        "cosignature": "signature",
        "witness quorum": "witness quorum",
    }


def test_an_accepted_copy_is_seen() -> None:
    """Under a quorum of one, the copy that keeps one witness is a good proof."""
    found = refusals(verifier(1), proof())
    assert [place for place, check in found.items() if not check] == ["witness quorum"]


def test_copies_differ_from_the_proof_and_each_other() -> None:
    copies = tampered(proof())
    assert len({proof(), *copies.values()}) == len(copies) + 1


def test_a_proof_without_its_leaf_is_not_for_this() -> None:
    with pytest.raises(MalformedProof):
        tampered(replace(parse_tlog_proof(proof()), extra=None).encode())

"""Corrupted copies of a proof, each changed in one place that a forger would have to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tlog.client.verifier import OfflineVerifier
from tlog.errors import Malformed, MalformedProof, VerificationFailed
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.note import Note, Signature, parse_note
from tlog.formats.tlog_proof import TlogProof, parse_tlog_proof


def refusals(verifier: OfflineVerifier, data: bytes) -> dict[str, str]:
    """Return, for each place of a good proof file, the name of the check that refuses a copy corrupted there.

    Empty for a copy that is accepted: the verifier would be broken then.
    """
    return {place: _refused_by(verifier, copy) for place, copy in tampered(data).items()}


def tampered(data: bytes) -> dict[str, bytes]:
    """Return corrupted copies of a proof file that carries its leaf, by the place that was changed."""
    proof = parse_tlog_proof(data)
    if proof.extra is None:
        raise MalformedProof("the proof carries no leaf")
    note = parse_note(proof.checkpoint)
    checkpoint = parse_checkpoint(note.text)
    texts = {
        "tree size": replace(checkpoint, size=checkpoint.size + 1).text(),
        "root hash": replace(checkpoint, root=_flip(checkpoint.root)).text(),
        "origin": replace(checkpoint, origin=checkpoint.origin + "x").text(),
    }
    copies = {
        "leaf": replace(proof, extra=_flip(proof.extra)),
        "index": replace(proof, index=proof.index ^ 1),
        **{place: _with_note(proof, replace(note, text=text)) for place, text in texts.items()},
        "log signature": _with_note(proof, _damaged(note, lambda line: line.name == checkpoint.origin)),
        "cosignature": _with_note(proof, _damaged(note, lambda line: line.name != checkpoint.origin)),
        "witness quorum": _with_note(proof, _only_one_witness(note, checkpoint.origin)),
    }
    if proof.hashes:
        first, *rest = proof.hashes
        copies["hash"] = replace(proof, hashes=(_flip(first), *rest))
    return {place: copy.encode() for place, copy in copies.items()}


def _refused_by(verifier: OfflineVerifier, data: bytes) -> str:
    try:
        verifier.verify(data)
    except VerificationFailed as error:
        return error.check
    except Malformed:
        return "format"
    return ""


def _with_note(proof: TlogProof, note: Note) -> TlogProof:
    return replace(proof, checkpoint=note.encode())


def _damaged(note: Note, chosen: Callable[[Signature], bool]) -> Note:
    """Change one byte of the first chosen signature."""
    first = next(line for line in note.signatures if chosen(line))
    lines = (replace(line, value=_flip(line.value)) if line is first else line for line in note.signatures)
    return replace(note, signatures=tuple(lines))


def _only_one_witness(note: Note, origin: str) -> Note:
    first = next(line.name for line in note.signatures if line.name != origin)
    return replace(note, signatures=tuple(line for line in note.signatures if line.name in {origin, first}))


def _flip(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1])

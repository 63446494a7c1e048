"""Checkpoints: signed tree heads as notes (https://c2sp.org/tlog-checkpoint).

Grammar of the note text:

    checkpoint = origin newline size newline root newline *( extension newline )
    origin     = 1*char       names the log; compared as it stands, never interpreted
    size       = decimal      number of leaves, below 2^63
    root       = base64       32 bytes, the RFC 6962 root hash at that size
    extension  = 1*char       opaque, not recommended

Rules: every line is non-empty. That an empty tree has the root SHA-256("") is not checked here: it is a
matter of proof, which tlog-witness answers otherwise than a malformed request. ML-DSA-44 cosignatures do not
cover extension lines, so nothing may be concluded from one.

Example, the text of a signed checkpoint without its signature lines:

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tlog.errors import MalformedCheckpoint, OriginUnknown
from tlog.formats.encoding import (
    HASH_BYTES,
    b64decode,
    b64encode,
    check_line,
    check_size,
    parse_decimal,
    shown,
    split_lines,
)
from tlog.formats.note import Note, Verifier, parse_note, verify_note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: log `origin`, tree `size` in leaves, 32-byte `root` hash, and opaque extension lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_line(self.origin, MalformedCheckpoint, "checkpoint origin")
        check_size(self.size, MalformedCheckpoint, "checkpoint tree size")
        if len(self.root) != HASH_BYTES:
            raise MalformedCheckpoint(f"checkpoint root: {len(self.root)} bytes where {HASH_BYTES} belong")
        for extension in self.extensions:
            check_line(extension, MalformedCheckpoint, "checkpoint extension line")

    def text(self) -> str:
        """Return the note text, newline at the end, ready to be signed."""
        lines = (self.origin, str(self.size), b64encode(self.root), *self.extensions)
        return "".join(line + "\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint of a note's text (with its final newline). Raises MalformedCheckpoint."""
    lines = split_lines(text, MalformedCheckpoint, "checkpoint")
    if len(lines) < 3:
        raise MalformedCheckpoint(f"checkpoint: {len(lines)} lines where origin, size and root hash belong")
    origin, size, root, *extensions = lines
    return Checkpoint(
        origin,
        parse_decimal(size, MalformedCheckpoint, "checkpoint tree size"),
        b64decode(root, MalformedCheckpoint, "checkpoint root hash", HASH_BYTES),
        tuple(extensions),
    )


def open_checkpoint(data: bytes, origin: str, verifiers: Iterable[Verifier]) -> tuple[Checkpoint, Note]:
    """Return the checkpoint in the signed note `data`, if it is of `origin` and signed by a verifier's key.

    Raises MalformedNote, MalformedCheckpoint, OriginUnknown, SignatureInvalid (a known key's
    signature fails), or NoTrustedSignature, in this order. Other signatures stay in the note, unverified.
    """
    note = parse_note(data)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise OriginUnknown(f"the checkpoint is of {shown(checkpoint.origin)}, not of {shown(origin)}")
    verify_note(note, verifiers)
    return checkpoint, note

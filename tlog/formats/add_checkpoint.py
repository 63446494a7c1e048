"""The wire form of add-checkpoint, which asks a witness to cosign (https://c2sp.org/tlog-witness).

Grammar:

    request  = "old " decimal newline
               0*63( base64 hash newline )    RFC 6962 2.1.2 consistency proof
               newline
               checkpoint                     signed note
    conflict = decimal newline                body of 409, Content-Type text/x.tlog.size

Rules: a request that parses holds a well-formed checkpoint, but nothing in it is verified, not even that the old size
is no larger than the checkpoint's: that, and the order of the answers, are the witness's. A request has at most
256 KiB, room for sixteen post-quantum signatures of 5 kB twice over. The answer of 200 is signature lines, which
`note.parse_signature_lines` reads.

Example:

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""  # noqa: E501 - a signature line cannot be wrapped

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from tlog.errors import MalformedCheckpoint, MalformedNote, MalformedRequest
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.encoding import (
    check_hashes,
    check_size,
    decode_text,
    hash_lines,
    parse_decimal,
    parse_hash_lines,
)
from tlog.formats.note import parse_note

MAX_REQUEST_BYTES: Final = 256 * 1024
SIZE_MEDIA_TYPE: Final = "text/x.tlog.size"
_OLD: Final = "old "


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request: size last cosigned, proof of at most 63 hashes from there, verbatim signed checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def __post_init__(self) -> None:
        check_size(self.old_size, MalformedRequest, "old size")
        check_hashes(self.proof, MalformedRequest, "consistency proof")
        try:
            parse_checkpoint(parse_note(self.checkpoint).text)
        except (MalformedNote, MalformedCheckpoint) as fault:
            raise MalformedRequest(f"request: {fault}") from None

    def encode(self) -> bytes:
        """Return the request body."""
        return f"{_OLD}{self.old_size}\n{hash_lines(self.proof)}\n".encode() + self.checkpoint


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Return the request in a body, nothing of it verified. Raises MalformedRequest."""
    if len(data) > MAX_REQUEST_BYTES:
        raise MalformedRequest(f"request: {len(data)} bytes, more than {MAX_REQUEST_BYTES}")
    head, cut, checkpoint = data.partition(b"\n\n")
    if not cut:
        raise MalformedRequest("request: no empty line before the checkpoint")
    first, *lines = decode_text(head, MalformedRequest, "request").split("\n")
    if not first.startswith(_OLD):
        raise MalformedRequest("request: the first line is not an old size")
    old_size = parse_decimal(first.removeprefix(_OLD), MalformedRequest, "old size")
    return AddCheckpoint(old_size, parse_hash_lines(lines, MalformedRequest, "consistency proof"), checkpoint)


def encode_size_body(size: int) -> bytes:
    """Return the body of 409: the tree size last cosigned."""
    return f"{check_size(size, MalformedRequest, 'tree size')}\n".encode()


def parse_size_body(data: bytes) -> int:
    """Return the tree size in the body of 409. Raises MalformedRequest."""
    text = decode_text(data[:32], MalformedRequest, "size body")
    if len(data) > 32 or not text.endswith("\n"):
        raise MalformedRequest("size body: not a decimal number and a newline")
    return parse_decimal(text[:-1], MalformedRequest, "size body")


def origin_hash(origin: str) -> str:
    """Return lowercase hex of SHA-256(origin), a log's place below a witness's monitoring prefix."""
    return hashlib.sha256(origin.encode()).hexdigest()

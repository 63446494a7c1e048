"""Proof files `.tlog-proof`: one entry is in a log, checkable offline (https://c2sp.org/tlog-proof).

Grammar:

    proof = "c2sp.org/tlog-proof@v1" newline
            [ "extra " base64 newline ]
            "index " decimal newline
            0*63( base64 hash newline )      RFC 6962 2.1.1 inclusion path, leaf's sibling first
            newline
            checkpoint                       signed note, byte for byte as the log published it

Rules: `extra` is opaque and signed by nobody; without data its line is absent, so an empty one is refused.
Parsing proves nothing: check the note (`policy`), then the path from the leaf hash to the checkpoint's root
(`tlog.merkle`).

Example, index 1 of a tree of two leaves:

    c2sp.org/tlog-proof@v1
    index 1
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=

    example.com/fancylog
    2
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — example.com/fancylog hI2DJw…
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tlog.errors import MalformedCheckpoint, MalformedNote, MalformedProof
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.encoding import (
    b64decode,
    b64encode,
    check_hashes,
    check_size,
    decode_text,
    hash_lines,
    parse_decimal,
    parse_hash_lines,
)
from tlog.formats.note import parse_note

MAX_PROOF_BYTES: Final = 2 << 20
_HEADER: Final = "c2sp.org/tlog-proof@v1"
_EXTRA: Final = "extra "
_INDEX: Final = "index "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Entry `index` (from 0), inclusion path of at most 63 hashes, verbatim checkpoint, opaque `extra`."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        check_size(self.index, MalformedProof, "proof index")
        check_hashes(self.hashes, MalformedProof, "proof")
        if self.extra is not None and not self.extra:
            raise MalformedProof("proof extra: without data there is no extra line")
        try:
            parse_checkpoint(parse_note(self.checkpoint).text)
        except (MalformedNote, MalformedCheckpoint) as fault:
            raise MalformedProof(f"proof: {fault}") from None

    def encode(self) -> bytes:
        """Return the file's bytes."""
        extra = "" if self.extra is None else f"{_EXTRA}{b64encode(self.extra)}\n"
        head = f"{_HEADER}\n{extra}{_INDEX}{self.index}\n{hash_lines(self.hashes)}\n"
        return head.encode() + self.checkpoint


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Return the proof in `data`, nothing of it verified. Raises MalformedProof."""
    if len(data) > MAX_PROOF_BYTES:
        raise MalformedProof(f"proof: {len(data)} bytes, more than {MAX_PROOF_BYTES}")
    head, cut, checkpoint = data.partition(b"\n\n")
    if not cut:
        raise MalformedProof("proof: no empty line before the checkpoint")
    first, *lines = decode_text(head, MalformedProof, "proof").split("\n")
    if first != _HEADER:
        raise MalformedProof(f"proof: the first line is not {_HEADER}")
    extra = _take_extra(lines)
    index = _take_index(lines)
    return TlogProof(index, parse_hash_lines(lines, MalformedProof, "proof"), checkpoint, extra)


def _take_extra(lines: list[str]) -> bytes | None:
    if not lines or not lines[0].startswith(_EXTRA):
        return None
    return b64decode(lines.pop(0).removeprefix(_EXTRA), MalformedProof, "proof extra")


def _take_index(lines: list[str]) -> int:
    if not lines or not lines[0].startswith(_INDEX):
        raise MalformedProof("proof: no index line")
    return parse_decimal(lines.pop(0).removeprefix(_INDEX), MalformedProof, "proof index")

"""Lexical rules that all C2SP formats share: canonical base64, decimals, clean UTF-8, lines, hash lines.

Grammar:

    base64  = RFC 4648 section 4, padded, no line breaks, unused bits zero
    decimal = "0" / (%x31-39 *DIGIT), below 2^63
    text    = UTF-8 without %x00-09 and %x0B-1F (signed-note: newline is the one control character)
    hash    = base64 of 32 bytes (44 characters)

Rules: one value has one spelling. What decodes is encoded again and compared, so a second spelling of the
same bytes never passes, and a signed or hashed thing cannot be altered without its meaning changing.

Every function takes the `Malformed` subclass to raise, and `what`, which opens the message:

    parse_decimal("007", MalformedCheckpoint, "tree size")
    # MalformedCheckpoint: tree size: '007' is not a decimal number without sign or leading zeros
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Final

from tlog.errors import Malformed

HASH_BYTES: Final = 32
MAX_PROOF_HASHES: Final = 63  # a path in a tree of fewer than 2^63 leaves (tlog-witness: add-checkpoint)
MAX_SIZE: Final = (1 << 63) - 1  # largest tree size, index or POSIX timestamp

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
# Surrogates cannot come from UTF-8, but can be in a str, which then has no encoding.
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


def b64encode(value: bytes) -> str:
    """Return standard padded base64 (RFC 4648 section 4)."""
    return base64.b64encode(value).decode("ascii")


def b64decode(text: str, error: type[Malformed], what: str, length: int | None = None) -> bytes:
    """Return the bytes of canonical standard base64; `length` is the number of bytes required, if any.

    Raises `error` for another alphabet, missing padding, white space, or non-zero trailing bits.
    """
    try:
        value = base64.b64decode(text, validate=True)
    except ValueError:
        raise error(f"{what}: not standard base64") from None
    if b64encode(value) != text:
        raise error(f"{what}: base64 is not canonical")
    if length is not None and len(value) != length:
        raise error(f"{what}: {len(value)} bytes where {length} belong")
    return value


def parse_decimal(text: str, error: type[Malformed], what: str) -> int:
    """Return a number of 0 <= n < 2^63 from ASCII decimal without sign or leading zeros."""
    if not _DECIMAL.fullmatch(text):
        raise error(f"{what}: {shown(text)} is not a decimal number without sign or leading zeros")
    return check_size(int(text), error, what)


def check_size(value: int, error: type[Malformed], what: str) -> int:
    """Return `value` if it is a possible size, index or timestamp: 0 <= value < 2^63."""
    if not 0 <= value <= MAX_SIZE:
        raise error(f"{what}: {value} is not within 0 and 2^63 - 1")
    return value


def decode_text(data: bytes, error: type[Malformed], what: str) -> str:
    """Return the text of UTF-8 bytes that have no control character below U+0020 but newline."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise error(f"{what}: not UTF-8 at byte {fault.start}") from None
    return check_text(text, error, what)


def check_text(text: str, error: type[Malformed], what: str) -> str:
    """Return `text` if it has no control character below U+0020 but newline, and can be UTF-8."""
    if found := _FORBIDDEN.search(text):
        raise error(f"{what}: U+{ord(found[0]):04X} at character {found.start()} is not allowed")
    return text


def check_line(text: str, error: type[Malformed], what: str) -> str:
    """Return `text` if it can be one line: not empty, no control character, newline neither."""
    if not text or "\n" in text:
        raise error(f"{what}: must be one line that is not empty")
    return check_text(text, error, what)


def split_lines(text: str, error: type[Malformed], what: str) -> list[str]:
    """Return the lines of `text` without their newlines; each, the last too, must end with one."""
    if not text.endswith("\n"):
        raise error(f"{what}: does not end with a newline")
    return text[:-1].split("\n")


def parse_hash_lines(lines: Sequence[str], error: type[Malformed], what: str) -> tuple[bytes, ...]:
    """Return the 32-byte hashes of at most 63 base64 lines, in their order."""
    if len(lines) > MAX_PROOF_HASHES:
        raise error(f"{what}: {len(lines)} hashes where at most {MAX_PROOF_HASHES} may be")
    return tuple(b64decode(line, error, f"{what} hash {i}", HASH_BYTES) for i, line in enumerate(lines))


def check_hashes(hashes: Sequence[bytes], error: type[Malformed], what: str) -> None:
    """Refuse more than 63 hashes, or one that is not 32 bytes."""
    if len(hashes) > MAX_PROOF_HASHES:
        raise error(f"{what}: {len(hashes)} hashes where at most {MAX_PROOF_HASHES} may be")
    for i, value in enumerate(hashes):
        if len(value) != HASH_BYTES:
            raise error(f"{what} hash {i}: {len(value)} bytes where {HASH_BYTES} belong")


def hash_lines(hashes: Sequence[bytes]) -> str:
    """Return one base64 line a hash, each ended by a newline."""
    return "".join(b64encode(value) + "\n" for value in hashes)


def shown(text: str) -> str:
    """Return `text` quoted and shortened, fit for an error message."""
    return repr(text if len(text) <= 40 else text[:40] + "…")

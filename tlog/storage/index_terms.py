"""The blind index terms of one entry as they stand in its row: 8 bytes each, signed, big-endian."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack, unpack

TERM_BYTES = 8


def pack_terms(terms: Sequence[int]) -> bytes:
    """Return the stored form of an entry's terms; none is empty."""
    return pack(f">{len(terms)}q", *terms) if terms else b""


def unpack_terms(stored: bytes | None) -> tuple[int, ...]:
    """Return the terms in a row; none for a row that has none, or whose terms were never computed."""
    return unpack(f">{len(stored) // TERM_BYTES}q", stored) if stored else ()

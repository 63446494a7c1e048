"""Which 32 bytes may be configured as an Ed25519 public key: canonical points of no small order.

An Ed25519 public key encodes a point (x, y) of the curve -x² + y² = 1 + d·x²·y² over GF(p), p = 2^255 - 19:
y in 255 bits, little-endian, then the sign of x in the highest bit (RFC 8032 section 5.1.2).

Rules:

* y < p, and some x solves the curve's equation; x = 0 has no sign. Libraries disagree about all else.
* The point is not one of the eight whose order divides 8. Under such a key, signatures exist that verify for
  many or all messages, made by no private key at all, so it vouches for nothing.

The eight have five values of y: 1 (order 1), -1 (order 2), 0 (order 4), and ±`_ORDER_8` (order 8).
Points with a small-order *component* are kept: without a private key, nothing verifies under them.

Example: `check_point(bytes(32))` raises, because y = 0 has order 4.
"""

from __future__ import annotations

from typing import Final

from tlog.errors import MalformedKey

PUBLIC_KEY_BYTES: Final = 32

_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P  # RFC 8032 section 5.1
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})


def check_point(public_key: bytes) -> None:
    """Refuse 32 bytes that are no canonical Ed25519 point, or one of small order. Raises MalformedKey."""
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise MalformedKey(f"Ed25519 key: {len(public_key)} bytes where {PUBLIC_KEY_BYTES} belong")
    y = int.from_bytes(public_key, "little") & ((1 << 255) - 1)
    if y >= _P:
        raise MalformedKey("Ed25519 key: not the canonical encoding of a point")
    if y in _SMALL_ORDER_Y:  # holds y = ±1, so x = 0 with a sign is refused here too
        raise MalformedKey("Ed25519 key: a point of small order, under which signatures prove nothing")
    if not _has_x(y):
        raise MalformedKey("Ed25519 key: not a point of the curve")


def _has_x(y: int) -> bool:
    """Whether x² = (y² - 1) / (d·y² + 1) has a root (RFC 8032 section 5.1.3), by Euler's criterion.

    Numerator times denominator is a square exactly if their quotient is.
    """
    square = y * y % _P
    return pow((square - 1) * (_D * square + 1), (_P - 1) // 2, _P) == 1

"""Break a valid input in every place, and require refusal or the same bytes again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from tlog.errors import Malformed

T = TypeVar("T")

_FLIPS = (0x01, 0x02, 0x10, 0x20, 0x80, 0xFF)
_INSERTED = (b"\x00", b"\t", b"\n", b"\r", b" ", b"+", b"0", b"A", b"=", b"\x7f", b"\x80", b"\xff")


def mangled(data: bytes, step: int = 1) -> Iterator[bytes]:
    """Every flip, deletion, insertion and truncation at every `step`-th byte; never `data` itself."""
    for i in range(0, len(data), step):
        for mask in _FLIPS:
            yield data[:i] + bytes([data[i] ^ mask]) + data[i + 1 :]
        yield data[:i] + data[i + 1 :]
        yield data[:i]
    for i in range(0, len(data) + 1, step):
        for extra in _INSERTED:
            yield data[:i] + extra + data[i:]
    yield data + data


def require_refusal_or_identity(
    data: bytes, parse: Callable[[bytes], T], encode: Callable[[T], bytes], error: type[Malformed], step: int = 1
) -> int:
    """Return how many mangled inputs were refused. Anything but `error` or an identical re-encoding fails."""
    refused = 0
    for broken in mangled(data, step):
        try:
            value = parse(broken)
        except error:
            refused += 1
        else:
            assert encode(value) == broken
    return refused


def text_parser(parse: Callable[[str], T]) -> Callable[[bytes], T]:
    """Feed bytes to a parser of str; what is not UTF-8 arrives as lone surrogates."""
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))

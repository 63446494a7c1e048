"""Blind index terms: targets and correlation ids are found by keyed, truncated hashes, never by themselves.

    term = first 8 bytes of HMAC-SHA256( index-term key, message ), signed, big-endian
    message = "target" || 0x00 || type || 0x00 || id        or        "correlation" || 0x00 || value

The key is a secret of the keyring. 64 bits are enough to tell apart all targets of a log (about one collision
among 2^32 of them, which would show one entry too many), and short enough to index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tlog.audit.entry import Entry
from tlog.audit.hmac_sha256 import HmacSha256

_TERM_BYTES = 8


class IndexTerms:
    """Computes terms under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._digest = HmacSha256(key).digest

    def target(self, kind: str, identity: str) -> int:
        """Return the term of a target of this type and id."""
        return self._term(f"target\0{kind}\0{identity}")

    def correlation(self, value: str) -> int:
        """Return the term of a trace or request id."""
        return self._term(f"correlation\0{value}")

    def of_entry(self, entry: Entry) -> tuple[int, ...]:
        """Return the terms of an entry, each once, in the order of the entry."""
        return tuple(dict.fromkeys(self._of_entry(entry)))

    def of_document(self, document: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the terms of an opened entry (`OpenedEntry.entry`); none where its shared part is erased."""
        values = [self.target(target["type"], target["id"]) for target in document.get("targets", ())]
        correlation = document.get("correlation", {})
        values += [self.correlation(correlation[name]) for name in ("trace_id", "request_id") if name in correlation]
        return tuple(dict.fromkeys(values))

    def _of_entry(self, entry: Entry) -> Iterator[int]:
        for target in entry.targets:
            yield self.target(target.type, target.id)
        if entry.correlation is not None:
            for value in (entry.correlation.trace_id, entry.correlation.request_id):
                if value is not None:
                    yield self.correlation(value)

    def _term(self, message: str) -> int:
        return int.from_bytes(self._digest(message.encode())[:_TERM_BYTES], signed=True)

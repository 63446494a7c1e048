"""Refusals of add-checkpoint on the operator's log: a misconfigured log is seen here, not only over there.

One line the first time an origin is refused with a status, then at most one a minute for all since; `requests`
says how many a line stands for, and none is left out of the sum. Whoever asks chooses the origin, so the memory
and the lines a minute are bounded: beyond `MAX_ORIGINS` of one status all others share one line. Statuses do not
share that bound: no flood of unknown origins hides that a known log signs with another key.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from tlog.errors import OriginUnknown, TlogError
from tlog.formats.add_checkpoint import origin_hash
from witness.printable import printable

WINDOW_SECONDS = 60
MAX_ORIGINS = 128
"""Origins remembered for one status, for at most two windows after their last refusal."""
MAX_ORIGIN_CHARS = 100
MAX_REASON_CHARS = 300

MAX_KEY_BYTES = 255
"""Origins alike in so many bytes share a line; no trusted log's origin is longer (`witness.logs`)."""

Key = tuple[int, bytes | None]
"""Status and the origin's first bytes; None for all the origins beyond `MAX_ORIGINS`."""


@dataclass(slots=True)
class _Window:
    """What is held back until `ends` (seconds of the clock): how many refusals, and the line for the last."""

    ends: float
    requests: int
    line: dict[str, Any]


class RefusalLog:
    """Writes the lines. `clock` counts seconds and never goes back. For one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[Key, _Window] = {}
        self._origins: Counter[int] = Counter()  # windows of each status, without the shared one
        self._next_sweep = 0.0

    def report(self, body: bytes, status: int, refusal: TlogError) -> None:
        """Write the refusal of this request's body, or hold it back and count it."""
        now = self._clock()
        if now >= self._next_sweep:
            self._sweep(now)
        origin = _origin_in(body)
        key = self._key(status, origin[:MAX_KEY_BYTES])
        window = self._windows.get(key)
        if window is None:
            self._origins[status] += key[1] is not None
            self._windows[key] = _Window(now, 1, _line(origin, status, refusal, key))
            _write_and_hold(self._windows[key], now)
            return
        window.requests += 1
        window.line = _line(origin, status, refusal, key)
        if now >= window.ends:
            _write_and_hold(window, now)

    def flush(self) -> None:
        """Write what is held back; for the end of the process."""
        for window in self._windows.values():
            if window.requests:
                _write_and_hold(window, self._clock())

    def _key(self, status: int, origin: bytes) -> Key:
        known = (status, origin) in self._windows
        return (status, origin if known or self._origins[status] < MAX_ORIGINS else None)

    def _sweep(self, now: float) -> None:
        """Forget who stayed silent for a window; write what a silent one left uncounted."""
        self._next_sweep = now + WINDOW_SECONDS
        for key, window in list(self._windows.items()):
            if now < window.ends:
                continue
            if window.requests:
                _write_and_hold(window, now)
            else:
                del self._windows[key]
                self._origins[key[0]] -= key[1] is not None


def _write_and_hold(window: _Window, now: float) -> None:
    # The logger is looked up for each line: it is configured after this module is imported.
    structlog.get_logger().warning("refused", **window.line, requests=window.requests)
    window.ends, window.requests = now + WINDOW_SECONDS, 0


def _line(origin: bytes, status: int, refusal: TlogError, key: Key) -> dict[str, Any]:
    line: dict[str, Any] = {"origin": _clean(origin.decode("utf-8", "backslashreplace"), MAX_ORIGIN_CHARS)}
    if isinstance(refusal, OriginUnknown):
        line["origin_hash"] = origin_hash(origin.decode())  # it was parsed: it is UTF-8
    line |= {"status": status, "reason": _clean(str(refusal), MAX_REASON_CHARS)}
    return line if key[1] is not None else {**line, "and_other_origins": True}


def _origin_in(body: bytes) -> bytes:
    """Return the first line of a body's checkpoint: its origin, if the body is well-formed. Empty if there is none."""
    blank = body.find(b"\n\n")
    return b"" if blank < 0 else body[blank + 2 :].split(b"\n", 1)[0]


def _clean(text: str, limit: int) -> str:
    return printable(text if len(text) <= limit else text[:limit] + "…")

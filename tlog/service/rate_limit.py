"""How often somebody may ask: a token bucket for each principal. Without I/O; the clock is passed in."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Final

from tlog.errors import TooManyRequests

_MAX_KNOWN: Final = 10_000


class RateLimit:
    """A bucket of `burst` requests for each client, filled again by `rate` a second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        """`clock` returns seconds."""
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, client: str) -> None:
        """Count one request. Raises `TooManyRequests` with the seconds after which another one is let in."""
        now = self._clock()
        left, at = self._buckets.get(client, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._rate)
        if left < 1:
            wait = max(1, ceil((1 - left) / self._rate))
            raise TooManyRequests(f"more than {self._rate:g} requests a second; nothing was done", wait)
        if len(self._buckets) >= _MAX_KNOWN and client not in self._buckets:
            self._forget_full(now)
        self._buckets[client] = (left - 1, now)

    def _forget_full(self, now: float) -> None:
        """Forget those whose bucket is full again: they are as if never seen."""
        filling = self._burst / self._rate
        self._buckets = {client: kept for client, kept in self._buckets.items() if now - kept[1] < filling}

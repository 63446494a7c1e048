"""Something that is fetched from elsewhere, kept for a while, and fetched again; one fetch at a time.

It is fetched again after `FRESH_SECONDS`. If that fails it stays in force until `STALE_SECONDS` after it was
fetched, so that a provider may restart; after that nothing is accepted on its word. However often it is asked for,
two fetches are at least `PAUSE_SECONDS` apart (`FAILED_PAUSE_SECONDS` after one that failed): tokens with made-up
key ids cost the provider nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tlog.errors import MalformedProviderAnswer, ProviderFailed

FRESH_SECONDS: Final = 900
STALE_SECONDS: Final = 3600
PAUSE_SECONDS: Final = 30
FAILED_PAUSE_SECONDS: Final = 5

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[_Value]):
    value: _Value
    fetched_at: float


class Refreshed(Generic[_Value]):
    """A value and when it was fetched. Belongs to one event loop; `clock` returns seconds that only grow."""

    def __init__(self, fetch: Callable[[], Awaitable[_Value]], clock: Callable[[], float]) -> None:
        """`fetch` raises `ProviderFailed` or `MalformedProviderAnswer`."""
        self._fetch = fetch
        self._clock = clock
        self._kept: _Kept[_Value] | None = None
        self._not_before = float("-inf")
        self._problem: ProviderFailed | None = None
        self._lock = asyncio.Lock()

    @property
    def last(self) -> _Value | None:
        """The value that was fetched last, however old; None before the first. Nothing may be accepted on its word."""
        return None if self._kept is None else self._kept.value

    async def get(self) -> _Value:
        """Return the value, fetched again if it is old. Raises `ProviderFailed`.

        While somebody waits for a newer one, the others go on with the old one as long as it is in force.
        """
        if self._age() < FRESH_SECONDS or (self._age() < STALE_SECONDS and self._lock.locked()):
            return self._in_force()
        async with self._lock:
            if self._age() >= FRESH_SECONDS:
                await self._try_fetch()
        return self._in_force()

    async def renewed(self, seen: _Value) -> _Value:
        """Return a newer value than `seen` if there may be one by now, else the same. Raises `ProviderFailed`."""
        async with self._lock:
            if self._kept is not None and self._kept.value is seen:
                await self._try_fetch()
        return self._in_force()

    async def _try_fetch(self) -> None:
        if self._clock() < self._not_before:
            return
        try:
            value = await self._fetch()
        except (ProviderFailed, MalformedProviderAnswer) as error:
            self._problem = error if isinstance(error, ProviderFailed) else ProviderFailed(str(error))
            self._not_before = self._clock() + FAILED_PAUSE_SECONDS
            return
        self._kept = _Kept(value, self._clock())
        self._not_before = self._clock() + PAUSE_SECONDS

    def _age(self) -> float:
        return float("inf") if self._kept is None else self._clock() - self._kept.fetched_at

    def _in_force(self) -> _Value:
        if self._kept is not None and self._age() < STALE_SECONDS:
            return self._kept.value
        # A new one each time: an error that is raised twice would keep its first traceback alive.
        raise ProviderFailed(str(self._problem or "the identity provider was not asked yet"))

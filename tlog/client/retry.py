"""How long to wait before the next attempt, and when to give up."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses grow from `first` by a factor of two up to `longest`, each shortened at random by up to half, so
    that many clients of one log do not come back at once. Times in seconds.

    `give_up_after` counts from the first attempt; a pause that would end later is not begun.
    """

    give_up_after: float = 60
    first: float = 0.2
    longest: float = 10
    random: Callable[[], float] = random.random

    def pause(self, attempt: int, elapsed: float, asked: float | None) -> float | None:
        """Return the pause after failed attempt number `attempt` (from 0), or None to give up.

        `asked` is what the log asked for (Retry-After); the pause is never shorter.
        """
        backoff = min(self.first * 2 ** min(attempt, 32), self.longest) * (1 - self.random() / 2)
        pause = max(backoff, asked or 0)
        return pause if elapsed + pause <= self.give_up_after else None

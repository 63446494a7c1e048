from __future__ import annotations

import pytest

from tlog.errors import TooManyRequests
from tlog.service import rate_limit
from tlog.service.rate_limit import RateLimit


class Clock:
    """Seconds, moved by the test."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def taken(limit: RateLimit, client: str, most: int = 1_000) -> int:
    """Return how many requests are let in now."""
    for count in range(most):
        try:
            limit.take(client)
        except TooManyRequests:
            return count
    return most


def test_a_burst_is_let_in_and_the_next_one_waits() -> None:
    limit = RateLimit(2, 5, Clock())
    assert taken(limit, "jane") == 5
    with pytest.raises(TooManyRequests, match="more than 2 requests a second; nothing was done") as refused:
        limit.take("jane")
    assert refused.value.retry_after == 1


def test_the_bucket_fills_at_its_rate_and_never_over_the_burst() -> None:
    clock = Clock()
    limit = RateLimit(2, 5, clock)
    taken(limit, "jane")
    clock.now += 0.49
    assert taken(limit, "jane") == 0
    clock.now += 0.01
    assert taken(limit, "jane") == 1
    clock.now += 1.5
    assert taken(limit, "jane") == 3
    clock.now += 10_000
    assert taken(limit, "jane") == 5


def test_a_refused_request_costs_nothing() -> None:
    clock = Clock()
    limit = RateLimit(1, 1, clock)
    limit.take("jane")
    for _ in range(9):
        clock.now += 0.1
        assert taken(limit, "jane") == 0
    clock.now += 0.1000001
    assert taken(limit, "jane") == 1


@pytest.mark.parametrize(("rate", "wait"), [(100, 1), (1, 1), (0.1, 10), (0.01, 100)])
def test_it_says_after_how_long_another_one_is_let_in(rate: float, wait: int) -> None:
    clock = Clock()
    limit = RateLimit(rate, 1, clock)
    limit.take("jane")
    with pytest.raises(TooManyRequests) as refused:
        limit.take("jane")
    assert refused.value.retry_after == wait
    clock.now += refused.value.retry_after
    limit.take("jane")


def test_what_is_waited_for_is_enough_where_it_is_no_whole_number() -> None:
    clock = Clock()
    limit = RateLimit(0.3, 1, clock)
    limit.take("jane")
    with pytest.raises(TooManyRequests) as refused:
        limit.take("jane")
    clock.now += refused.value.retry_after
    limit.take("jane")


def test_nobody_pays_for_somebody_else() -> None:
    limit = RateLimit(1, 3, Clock())
    assert taken(limit, "jane") == 3
    assert taken(limit, "otto") == 3


def test_who_is_full_again_is_forgotten_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_MAX_KNOWN", 10)
    clock = Clock()
    limit = RateLimit(1, 4, clock)
    for number in range(9):
        limit.take(f"early-{number}")
    clock.now += 3.9
    taken(limit, "late")
    clock.now += 0.2  # the early ones are full again, the late one has nearly nothing
    limit.take("new")
    assert set(limit._buckets) == {"late", "new"}
    assert taken(limit, "late") == 0

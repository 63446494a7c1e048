from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tlog.client.retry import RetryPolicy


def test_pauses_double_up_to_the_longest() -> None:
    policy = RetryPolicy(give_up_after=1000, first=0.2, longest=3, random=lambda: 0.0)
    assert [policy.pause(attempt, 0, None) for attempt in range(6)] == [0.2, 0.4, 0.8, 1.6, 3, 3]


def test_what_the_log_asks_for_is_kept() -> None:
    policy = RetryPolicy(give_up_after=60, random=lambda: 1.0)
    assert policy.pause(0, 0, 7) == 7
    assert policy.pause(0, 0, 0) == 0.1


def test_a_pause_that_would_end_too_late_is_not_begun() -> None:
    policy = RetryPolicy(give_up_after=10, random=lambda: 0.0)
    assert policy.pause(0, 3, 7) == 7
    assert policy.pause(0, 3.1, 7) is None
    assert RetryPolicy(give_up_after=0).pause(0, 0, None) is None


@given(st.integers(0, 10**6), st.floats(0, 1), st.none() | st.integers(0, 60))
def test_a_pause_is_bounded_for_any_attempt(attempt: int, jitter: float, asked: int | None) -> None:
    pause = RetryPolicy(give_up_after=1e9, random=lambda: jitter).pause(attempt, 0, asked)
    assert pause is not None
    assert 0 < pause <= max(10, asked or 0)

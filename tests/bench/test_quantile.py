from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.quantile import quantile

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=200).map(sorted)


def test_nearest_rank() -> None:
    ordered = [float(value) for value in range(1, 101)]
    assert [quantile(ordered, share) for share in (0.01, 0.5, 0.99, 1)] == [1, 50, 99, 100]
    assert quantile([7.0], 0.01) == 7
    assert quantile([1.0, 2.0, 3.0], 0.5) == 2


@given(VALUES, st.floats(0.001, 1))
def test_enough_of_the_sample_is_not_above_it_and_no_smaller_value_would_do(ordered: list[float], share: float) -> None:
    found = quantile(ordered, share)
    assert sum(value <= found for value in ordered) >= share * len(ordered)
    assert sum(value < found for value in ordered) < share * len(ordered)


@pytest.mark.parametrize(("ordered", "share"), [([], 0.5), ([1.0], 0), ([1.0], 1.1)])
def test_no_quantile_of_nothing(ordered: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="quantile"):
        quantile(ordered, share)

"""Quantiles of a sample."""

from __future__ import annotations

import math
from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of the sample do not exceed (nearest rank).

    `ordered` ascends and is not empty; 0 < `share` <= 1. Nothing is interpolated: the result was measured.
    """
    if not ordered or not 0 < share <= 1:
        raise ValueError("a quantile needs values and a share above 0, at most 1")
    return ordered[math.ceil(share * len(ordered)) - 1]

from __future__ import annotations

import json

import pytest

from bench.figure import Figure, Floor
from bench.report import figure_text, number


@pytest.mark.parametrize(
    ("floor", "value", "met"),
    [
        (Floor(5_000), 5_000, True),
        (Floor(5_000), 4_999.9, False),
        (Floor(2.0, at_most=True), 1.99, True),
        (Floor(2.0, at_most=True), 2.0, False),
    ],
)
def test_a_floor_is_met_or_not(floor: Floor, value: float, met: bool) -> None:
    figure = Figure("f", value, "x/s", floor=floor)
    assert figure.verdict == ("met" if met else "not met")
    assert f": {figure.verdict}]" in figure_text(figure)


def test_a_figure_without_a_floor_has_no_verdict() -> None:
    figure = Figure("f", 1.0, "s", {"leaves": 5}, {"p99 ms": 0.1234})
    assert figure.verdict is None
    assert figure_text(figure).splitlines() == [
        "f                                             1 s",
        "    leaves 5",
        "    p99 ms 0.123",
    ]
    assert json.loads(json.dumps(figure.document())) == {
        "name": "f",
        "value": 1.0,
        "unit": "s",
        "floor": None,
        "verdict": None,
        "settings": {"leaves": 5},
        "seen": {"p99 ms": 0.1234},
    }


def test_numbers_keep_what_matters() -> None:
    assert [number(value) for value in (0.12345, 12.345, 999.4, 1000, 12345.6)] == [
        "0.123",
        "12.3",
        "999",
        "1,000",
        "12,346",
    ]

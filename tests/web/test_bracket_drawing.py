from __future__ import annotations

import pytest

from web.bracket_drawing import draw_bracket

SECOND = 1_000_000


def test_the_logs_time_stands_between_the_bounds() -> None:
    drawn = draw_bracket(10 * SECOND, 20 * SECOND, 15 * SECOND)
    assert drawn is not None
    assert drawn.after_x < drawn.received_x < drawn.before_x
    assert drawn.inside


@pytest.mark.parametrize("received", [0, 60 * SECOND])
def test_a_wrong_clock_is_seen(received: int) -> None:
    drawn = draw_bracket(10 * SECOND, 20 * SECOND, received)
    assert drawn is not None
    assert not drawn.inside
    assert 0 < drawn.received_x < 1000


def test_without_an_earlier_checkpoint_the_line_is_open() -> None:
    drawn = draw_bracket(None, 20 * SECOND, 19 * SECOND)
    assert drawn is not None
    assert drawn.after_x == 0
    assert drawn.inside


def test_without_witnesses_nothing_is_drawn() -> None:
    assert draw_bracket(None, None, 5) is None

from __future__ import annotations

from web.growth_drawing import HEIGHT, WIDTH, draw_growth


def test_the_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    drawn = draw_growth([(0, 1_000_000), (50, 2_000_000), (100, 3_000_000)], 3_000_000)
    assert drawn is not None
    corners = [[float(part) for part in corner.split()] for corner in drawn.line.removeprefix("M").split(" L")]
    assert corners[0] == [0, HEIGHT]
    assert corners[-1][0] == WIDTH
    assert corners[-1][1] < corners[1][1] < corners[0][1]
    assert drawn.largest == 100


def test_a_quiet_log_is_a_level_line_up_to_now() -> None:
    drawn = draw_growth([(0, 0), (10, 1_000_000)], 2_000_000)
    assert drawn is not None
    assert drawn.line.split(" L")[1:] == ["300.0 8.0", "600.0 8.0"]


def test_times_out_of_order_stay_inside_the_picture() -> None:
    drawn = draw_growth([(0, 5_000_000), (10, 1_000_000), (20, 9_000_000)], 0)
    assert drawn is not None
    xs = [float(corner.split()[0]) for corner in drawn.line.removeprefix("M").split(" L")]
    assert all(0 <= x <= WIDTH for x in xs)


def test_there_is_nothing_to_draw_of_one_checkpoint_or_of_an_empty_log() -> None:
    assert draw_growth([(5, 1)], 2) is None
    assert draw_growth([], 2) is None

from __future__ import annotations

import pytest

from web import words


def test_digits_stand_in_groups_of_three() -> None:
    assert words.number(1234567) == "1\u202f234\u202f567"
    assert words.count(1, "leaf", "leaves") == "1 leaf"
    assert words.count(2, "leaf", "leaves") == "2 leaves"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 seconds"), (59, "59 seconds"), (60, "1 minute"), (3599, "59 minutes"), (7200, "2 hours"), (86400, "1 day")],
)
def test_a_length_of_time_has_one_unit(seconds: int, said: str) -> None:
    assert words.lasting(seconds) == said


def test_times_are_utc() -> None:
    assert words.moment(1_772_357_400_000_000) == "2026-03-01 09:30:00 UTC"
    assert words.machine_time(1_772_357_400_000_000) == "2026-03-01T09:30:00Z"
    assert words.ago(5_000_000, 65_000_000) == "1 minute ago"
    assert words.ago(65_000_000, 5_000_000) == "just now"


def test_what_can_not_be_seen_or_turns_other_text_is_shown_as_an_escape() -> None:
    assert words.visible("p-\u202e4711\u200b\U000e0041") == "p-\\u202e4711\\u200b\\U000e0041"
    for plain in ("Zoë Ødegård", "山田", "a\nb", words.number(1234567), "😀", 7, None):
        assert words.visible(plain) == plain
    assert words.visible(words.as_typed("a\u202eb")) == "a\u202eb"


def test_code_in_a_text_is_escaped_first() -> None:
    assert words.ticks("<b> `<i>` &") == "&lt;b&gt; <code>&lt;i&gt;</code> &amp;"

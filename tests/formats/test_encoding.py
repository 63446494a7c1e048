from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.material import hashes, sizes
from tlog.errors import MalformedNote
from tlog.formats.encoding import (
    b64decode,
    b64encode,
    check_size,
    check_text,
    decode_text,
    parse_decimal,
    parse_hash_lines,
    shown,
    split_lines,
)


@given(st.binary(max_size=200))
def test_base64_round_trip(data: bytes) -> None:
    assert b64decode(b64encode(data), MalformedNote, "x", len(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "AA",  # no padding
        "AA=",
        "AAA",
        "A",
        "AB==",  # non-zero trailing bits
        "AAB=",
        "AA==\n",
        "AA\n==",
        " AA==",
        "AA== ",
        "AA==AA==",
        "AA===",
        "=AAA",
        "--__",  # the URL alphabet
        "AAA\u00e9",
        "AAAÀ",
        "\ud800AAA",
        "AAA\x00",
    ],
)
def test_base64_of_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote, match="base64"):
        b64decode(text, MalformedNote, "x")


@given(st.text(max_size=12))
def test_base64_accepts_only_what_it_would_write(text: str) -> None:
    try:
        value = b64decode(text, MalformedNote, "x")
    except MalformedNote:
        return
    assert b64encode(value) == text


def test_base64_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedNote, match="root: 31 bytes where 32 belong"):
        b64decode(b64encode(bytes(31)), MalformedNote, "root", 32)


@given(sizes)
def test_decimal_round_trip(number: int) -> None:
    assert parse_decimal(str(number), MalformedNote, "x") == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "00", "01", "+1", "-1", "-0", " 1", "1 ", "1\n", "1_0", "0x1", "1.0", "1e3", "١", "²", "9" * 5000),
        *(str(2**63), str(2**63 + 1), str(2**64), str(10**19 - 1)),
    ],
)
def test_a_number_of_another_spelling_or_size_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote, match="tree size"):
        parse_decimal(text, MalformedNote, "tree size")


def test_sizes_end_below_2_to_the_63() -> None:
    assert parse_decimal(str(2**63 - 1), MalformedNote, "x") == 2**63 - 1
    for bad in (-1, 2**63):
        with pytest.raises(MalformedNote):
            check_size(bad, MalformedNote, "x")


@pytest.mark.parametrize("code", [*range(0x0A), *range(0x0B, 0x20)])
def test_control_characters_are_refused(code: int) -> None:
    with pytest.raises(MalformedNote, match=f"U\\+{code:04X} at character 1"):
        decode_text(b"a" + bytes([code]), MalformedNote, "x")


@pytest.mark.parametrize("char", ["\n", " ", "\x7f", "\x85", "\ufeff", "\U0010ffff", "\u2028"])
def test_signed_note_forbids_no_other_character(char: str) -> None:
    assert decode_text(char.encode(), MalformedNote, "x") == char


@pytest.mark.parametrize("data", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x80"])
def test_bytes_that_are_not_utf8_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedNote, match="not UTF-8 at byte"):
        decode_text(data, MalformedNote, "x")


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(MalformedNote, match=r"U\+DC80"):
        check_text("a\udc80", MalformedNote, "x")


def test_only_a_newline_ends_a_line() -> None:
    assert split_lines("a\u2028b\x85c\n\nd\n", MalformedNote, "x") == ["a\u2028b\x85c", "", "d"]
    for bad in ("", "a", "a\nb"):
        with pytest.raises(MalformedNote, match="does not end with a newline"):
            split_lines(bad, MalformedNote, "x")


@given(st.lists(hashes, max_size=63))
def test_hash_lines_round_trip(values: list[bytes]) -> None:
    lines = [b64encode(value) for value in values]
    assert parse_hash_lines(lines, MalformedNote, "x") == tuple(values)


def test_a_64th_hash_is_refused() -> None:
    with pytest.raises(MalformedNote, match="64 hashes where at most 63"):
        parse_hash_lines([b64encode(bytes(32))] * 64, MalformedNote, "x")


def test_messages_stay_short() -> None:
    assert len(shown("x" * 10_000)) < 60

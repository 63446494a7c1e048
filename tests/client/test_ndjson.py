from __future__ import annotations

import json
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.audit.samples import document
from tlog.audit.entry import MAX_ENTRY_BYTES, parse_entry
from tlog.client.ndjson import Line, LineReader, batches, body_of, lines_of
from tlog.errors import EntryInvalid

ID = "019a52c8-2f64-7d1c-a3b8-5c0e9f7d2b11"


def text(seq: int, **changes: object) -> bytes:
    return json.dumps(document(seq=seq, id=..., **changes)).encode()


def numbered() -> LineReader:
    ids = count()
    return LineReader(lambda _: f"019a52c8-2f64-7d1c-a3b8-{next(ids):012x}")


def test_an_entry_without_an_id_gets_one_and_stays_byte_for_byte() -> None:
    spaced = b'  { "schema" : 1, ' + text(7).removeprefix(b'{"schema": 1, ') + b" \r"
    (line,) = numbered().feed(spaced + b"\n")
    assert line.id == "019a52c8-2f64-7d1c-a3b8-000000000000"
    assert parse_entry(line.data).id == line.id
    assert spaced.strip().removeprefix(b"{ ") in line.data


def test_an_id_that_is_there_stays() -> None:
    data = json.dumps(document(id=ID)).encode()
    assert LineReader().feed(data + b"\n") == [Line(1, ID, data)]


def test_made_ids_differ() -> None:
    lines = LineReader().feed(b"\n".join(text(seq) for seq in range(50)) + b"\n")
    assert len({line.id for line in lines}) == 50


@given(st.lists(st.integers(1, 400), max_size=30))
def test_lines_do_not_depend_on_how_the_bytes_arrive(cuts: list[int]) -> None:
    data = b"\n\n".join(text(seq) for seq in range(4))
    reader, lines = numbered(), []
    rest = data
    for cut in cuts:
        lines += reader.feed(rest[:cut])
        rest = rest[cut:]
    lines += reader.feed(rest) + reader.finish()
    assert [line.number for line in lines] == [1, 3, 5, 7]
    whole = numbered()
    assert lines == whole.feed(data) + whole.finish()


def test_a_bad_line_is_named_by_its_number_with_every_fault() -> None:
    bad = text(1, actor={"type": "employee"}, outcome="maybe", colour="red")
    with pytest.raises(EntryInvalid) as caught:
        LineReader().feed(text(0) + b"\n\n" + bad + b"\n")
    assert {fault.path for fault in caught.value.faults} == {"line 3: actor.id", "line 3: outcome", "line 3: colour"}


def test_every_bad_line_is_named_and_reading_goes_on() -> None:
    reader = LineReader()
    with pytest.raises(EntryInvalid) as caught:
        reader.feed(text(0) + b"\n[]\n" + text(1) + b"\n7\n" + b"{" * (MAX_ENTRY_BYTES + 1))
    assert [fault.path for fault in caught.value.faults] == ["line 2", "line 4", "line 5"]
    assert lines_of(caught.value.faults) == 3
    assert reader.feed(b"{" * MAX_ENTRY_BYTES) == []
    assert [line.number for line in reader.feed(b"{\n" + text(2) + b"\n")] == [6]
    with pytest.raises(EntryInvalid, match=r"^line 7: "):
        reader.feed(b"[]\n")
    assert reader.finish() == []


@pytest.mark.parametrize("bad", [b"[]", b"7", b"{", b"\xff", b'{"schema":1}', b"null"])
def test_what_is_no_entry_is_refused(bad: bytes) -> None:
    with pytest.raises(EntryInvalid, match=r"^line 1"):
        LineReader().feed(bad + b"\n")


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(EntryInvalid, match="line 1: longer than"):
        LineReader().feed(b"{" * (MAX_ENTRY_BYTES + 1))


@given(
    st.lists(st.integers(1, 50), max_size=40),
    st.integers(1, 8),
    st.integers(1, 120),
)
def test_batches_keep_order_and_both_limits(sizes: list[int], entries: int, size: int) -> None:
    lines = [Line(i, str(i), b"x" * n) for i, n in enumerate(sizes)]
    cut = list(batches(lines, entries, size))
    assert [line for batch in cut for line in batch] == lines
    for batch in cut:
        assert 1 <= len(batch) <= entries
        assert len(body_of(batch)) <= size or len(batch) == 1


def test_nothing_personal_is_in_the_text_of_a_line() -> None:
    assert "emp-0042" not in repr(LineReader().feed(text(0) + b"\n"))

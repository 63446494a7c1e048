"""The coarse index over time covers every entry, however they arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from tlog.storage.database import Database
from tlog.storage.tables import time_blocks
from tlog.storage.time_blocks import BLOCK, DAY, Spans, SpanWriter, spans_of

YEAR_1, YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999
moments = st.integers(YEAR_1, YEAR_9999) | st.integers(-3, 3) | st.integers(DAY - 2, DAY + 2)


@given(st.lists(st.tuples(st.integers(0, 5 * BLOCK), moments, moments), max_size=30))
def test_a_span_is_the_first_and_the_last_of_its_clock_day_and_block(times: list[tuple[int, int, int]]) -> None:
    naive: dict[tuple[int, int, int], list[int]] = {}
    for index, *clocks in times:
        for clock, moment in enumerate(clocks):
            naive.setdefault((clock, moment // DAY, index // BLOCK), []).append(moment)
    assert spans_of(times) == {key: (min(found), max(found)) for key, found in naive.items()}


def stored(database: Database) -> Spans:
    with database.read() as connection:
        return {(c, d, b): (first, last) for c, d, b, first, last in connection.execute(select(time_blocks))}


def test_spans_only_widen(database: Database) -> None:
    writer = SpanWriter(database.engine.dialect)
    groups = [[(0, 50, -1)], [(1, 40, -5), (BLOCK, 40, 7)], [(2, 60, -3)], [(3, 45, -2)], [], [(4, DAY, YEAR_9999)]]
    for group in groups:
        with database.write() as connection:
            writer.add(connection, spans_of(group))
    assert stored(database) == spans_of(time for group in groups for time in group)


def test_a_rolled_back_group_widens_nothing(database: Database) -> None:
    writer = SpanWriter(database.engine.dialect)
    with database.engine.connect() as connection:
        writer.add(connection, spans_of([(0, 1, 1)]))
        connection.rollback()
    assert stored(database) == {}

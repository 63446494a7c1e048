"""What was received on some days: bounded by its neighbours, so that no removed row falls out of sight."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import delete, update

from tests.storage.lookup_material import Row, store
from tests.storage.test_lookup_plans import watched
from tlog.storage.append_store import AppendStore
from tlog.storage.database import Database
from tlog.storage.facets import Facet
from tlog.storage.received_ranges import MAX_NAMED, ReceivedRange, ReceivedRanges
from tlog.storage.tables import entries, time_blocks
from tlog.storage.time_blocks import BLOCK, DAY

FACET = Facet("clinic", "patient.record.read", "allowed", "standard")
A_DAY = 1500
"""Entries of a day: more than a block, and none of the days begins with one."""
SIZE = 10 * A_DAY


@pytest.fixture
def ranges(database: Database, appends: AppendStore) -> ReceivedRanges:
    """Ten days from day 100 on, all of equal length."""
    rows = [Row(FACET, received_at=100 * DAY + index * DAY // A_DAY, occurred_at=index) for index in range(SIZE)]
    for start in range(0, SIZE, 5 * A_DAY):
        store(appends, rows[start : start + 5 * A_DAY], start)
    return ReceivedRanges(database)


def remove(database: Database, *indices: int) -> None:
    with database.write() as connection:
        connection.execute(delete(entries).where(entries.c.log_index.in_(indices)))


def day_range(first: int, last: int, missing: Sequence[int] = ()) -> ReceivedRange:
    named = tuple(missing[:MAX_NAMED])
    return ReceivedRange((first - 100) * A_DAY, (last - 99) * A_DAY, len(missing), named)


def test_days_are_found_to_the_index(ranges: ReceivedRanges) -> None:
    assert ranges.oldest_day() == 100
    for first, last in ((100, 100), (103, 105), (109, 109), (100, 109)):
        assert ranges.between(first, last, SIZE) == day_range(first, last)
    assert ranges.between(0, 102, SIZE) == day_range(100, 102)
    assert ranges.between(108, 500, SIZE) == day_range(108, 109)


def test_days_before_the_log_and_after_it_have_nothing(ranges: ReceivedRanges) -> None:
    assert ranges.between(0, 99, SIZE) is None
    assert ranges.between(110, 200, SIZE) is None


def test_an_empty_log_has_nothing(database: Database) -> None:
    ranges = ReceivedRanges(database)
    assert ranges.oldest_day() is None
    assert ranges.between(0, 10**5, 0) is None


def test_nothing_beyond_the_size_given_is_looked_at(ranges: ReceivedRanges) -> None:
    found = ranges.between(103, 105, 4 * A_DAY + 10)
    assert found == ReceivedRange(3 * A_DAY, 4 * A_DAY + 10, 0, ())
    assert ranges.between(108, 109, 3) is None


@pytest.mark.parametrize(
    "gone",
    [
        [3 * A_DAY],
        [5 * A_DAY - 1],
        [3 * A_DAY, 4 * A_DAY, 5 * A_DAY - 1],
        list(range(3 * A_DAY + 100, 3 * A_DAY + 100 + 2 * BLOCK)),
    ],
    ids=["first", "last", "several", "many"],
)
def test_removed_rows_are_counted_and_named(database: Database, ranges: ReceivedRanges, gone: list[int]) -> None:
    remove(database, *gone)
    assert ranges.between(103, 104, SIZE) == day_range(103, 104, gone)
    assert ranges.between(100, 101, SIZE) == day_range(100, 101)
    before = ranges.between(102, 102, SIZE)
    assert before is not None
    assert (3 * A_DAY in before.first_missing) is (gone[0] == 3 * A_DAY), "a gap between two days belongs to both"


def test_days_that_were_removed_with_their_time_blocks_are_still_a_range(
    database: Database, ranges: ReceivedRanges
) -> None:
    gone = list(range(3 * A_DAY, 5 * A_DAY))
    remove(database, *gone)
    with database.write() as connection:
        connection.execute(delete(time_blocks).where(time_blocks.c.day.between(103, 104)))
    assert ranges.between(103, 104, SIZE) == day_range(103, 104, gone)


def test_the_first_and_the_last_entries_of_the_log_are_missed_too(database: Database, ranges: ReceivedRanges) -> None:
    remove(database, 0, 1, SIZE - 1)
    assert ranges.between(100, 101, SIZE) == day_range(100, 101, [0, 1])
    assert ranges.between(109, 109, SIZE) == day_range(109, 109, [SIZE - 1])


def test_expired_rows_and_bare_leaves_are_no_gap(
    database: Database, appends: AppendStore, ranges: ReceivedRanges
) -> None:
    with database.write() as connection:
        gone = {"received_at": None, "occurred_at": None, "entry_id": None, "facet": None, "act": 1}
        some = entries.c.log_index.between(4 * A_DAY, 4 * A_DAY + 50)
        connection.execute(update(entries).where(some).values(**gone))
    store(appends, [Row(None)] * 3, SIZE)
    assert ranges.between(103, 105, SIZE + 3) == day_range(103, 105)
    last = ranges.between(109, 109, SIZE + 3)
    assert last is not None
    assert (last.end, last.missing) == (SIZE + 3, 0)


def test_a_range_is_counted_in_the_index_of_times_alone(database: Database, ranges: ReceivedRanges) -> None:
    """The rows themselves hold the entries: reading those of a day of a large log would take seconds."""
    if not database.is_sqlite:
        pytest.skip("the plan is asked of SQLite; on PostgreSQL the primary key's index answers")
    with watched(database) as statements:
        ranges.between(103, 105, SIZE)
    of_entries = [(sql, parameters) for sql, parameters in statements if "FROM entries" in sql]
    assert len(of_entries) == 3
    for sql, parameters in of_entries:
        with database.read() as connection:
            [step] = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).all()
        assert "USING COVERING INDEX ix_entries_times (log_index>? AND log_index<?)" in step[3], step

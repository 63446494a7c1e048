"""The rows of one cohort, on both back ends."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.service.test_retention_rules import us
from tlog.storage.act_store import Act, ActKind, ActState, ActStore
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.database import Database
from tlog.storage.expiry_store import CohortRows, ExpiryStore, MovedRow
from tlog.storage.facets import Facet
from tlog.storage.log_store import LogStore
from tlog.storage.tables import entries, personal, terms, time_blocks
from tlog.storage.time_blocks import BLOCK, DAY, OCCURRED, RECEIVED

MARCH = CohortRows("standard", us(2025, 3), us(2025, 4), None)
MOVED = CohortRows("standard", us(2025, 3), us(2025, 4), "standard/2025-03+1")
SHORT = CohortRows("short", us(2025, 3), us(2025, 4), None)
DAY_US = 86_400_000_000


@pytest.fixture
def cohorts(database: Database, appends: AppendStore) -> ExpiryStore:
    """Entries of the last moment of February, the first and the last of March, of another class, and of April."""
    rows = [
        row(0, MARCH.start - 1),
        row(1, MARCH.start, occurred=MARCH.start - 20 * DAY_US),
        row(2, MARCH.end - 1),
        row(3, MARCH.end - 1, retention="short"),
        row(4, MARCH.end),
    ]
    appends.append([SealedRequest(rows, 0)])
    return ExpiryStore(database)


def row(number: int, received: int, retention: str = "standard", occurred: int | None = None) -> NewRow:
    columns: dict[str, Any] = {
        "entry_id": number.to_bytes(16),
        "source": "clinic",
        "seq": number,
        "occurred_at": received if occurred is None else occurred,
        "received_at": received,
        "core": b"\x01core",
        "shared": b"\x01shared",
    }
    personal_parts = [(part, 100 + part, b"\x01part") for part in range(2)]
    facet = Facet("clinic", "record.read", "allowed", retention)
    return NewRow(number.to_bytes(32), columns, facet=facet, personal=personal_parts, terms=(-5, 1000 + number))


def begun(database: Database) -> Act:
    return ActStore(database).add(bytes(16), ActKind.EXPIRY, ActState.BEGUN, 1, cohort="standard/2025-03")


def spans(database: Database) -> set[tuple[int, int, int, int, int]]:
    with database.read() as connection:
        return {tuple(found) for found in connection.execute(select(time_blocks))}


def test_a_cohort_is_a_class_and_a_month(cohorts: ExpiryStore) -> None:
    assert cohorts.blocks(MARCH) == [0]
    assert (cohorts.indices(MARCH, 0), cohorts.indices(SHORT, 0), cohorts.indices(MOVED, 0)) == ([1, 2], [3], [])
    assert cohorts.indices(MARCH, 1) == []
    assert cohorts.blocks(CohortRows("standard", us(2025, 5), us(2025, 6), None)) == []


def test_what_is_shrunk_is_an_index_a_leaf_and_an_act(
    cohorts: ExpiryStore, database: Database, store: LogStore
) -> None:
    before = store.entries_at(range(5))
    act = begun(database)
    assert cohorts.shrink(MARCH, 0, act.act) == 2
    after = store.entries_at(range(5))
    assert {index: found for index, found in after.items() if index not in {1, 2}} == {
        index: found for index, found in before.items() if index not in {1, 2}
    }
    with database.read() as connection:
        for index in (1, 2):
            query = select(entries).where(entries.c.log_index == index)
            stored = {k: v for k, v in connection.execute(query).one()._mapping.items() if v is not None}
            assert stored == {"log_index": index, "leaf": before[index].leaf, "act": act.act}
        assert set(connection.execute(select(personal.c.log_index)).scalars()) == {0, 3, 4}
        left = {tuple(found) for found in connection.execute(select(terms.c.term, terms.c.log_index))}
    assert left == {(term, index) for index in (0, 3, 4) for term in (-5, 1000 + index)}
    assert cohorts.shrink(MARCH, 0, act.act) == 0


def test_the_days_of_a_block_say_what_is_left(cohorts: ExpiryStore, database: Database) -> None:
    first, last = MARCH.start // DAY, (MARCH.end - 1) // DAY
    assert {(OCCURRED, first - 20, 0), (RECEIVED, first, 0), (RECEIVED, last, 0)} <= {s[:3] for s in spans(database)}
    cohorts.shrink(MARCH, 0, begun(database).act)
    expected = {(clock, index // DAY, 0, index, index) for clock in (OCCURRED, RECEIVED) for index in times()}
    assert spans(database) == expected


def times() -> tuple[int, int, int]:
    return MARCH.start - 1, MARCH.end - 1, MARCH.end


def test_what_is_kept_is_left_alone(cohorts: ExpiryStore, database: Database, store: LogStore) -> None:
    before = store.entries_at([2])
    assert cohorts.shrink(MARCH, 0, begun(database).act, kept=[2, 4]) == 1
    assert store.entries_at([2]) == before
    assert cohorts.indices(MARCH, 0) == [2]


def test_what_was_moved_is_of_the_other_cohort_only(cohorts: ExpiryStore, database: Database, store: LogStore) -> None:
    moved = MovedRow(2, b"\x01new core", b"\x01new shared", [(0, b"\x01new actor"), (1, b"\x01new subject")])
    for _ in range(2):
        cohorts.move([moved], "standard/2025-03+1")
    row = store.entries_at([2])[2]
    assert (row.columns["core"], row.columns["shared"]) == (b"\x01new core", b"\x01new shared")
    assert [part.ciphertext for part in row.personal] == [b"\x01new actor", b"\x01new subject"]
    assert [part.key_id for part in row.personal] == [100, 101]
    assert (cohorts.indices(MARCH, 0), cohorts.indices(MOVED, 0)) == ([1], [2])
    act = begun(database)
    assert cohorts.shrink(MARCH, 0, act.act) == 1
    assert store.entries_at([2])[2] == row
    assert cohorts.shrink(MOVED, 0, act.act) == 1


def test_a_cohort_over_several_blocks(database: Database, appends: AppendStore, store: LogStore) -> None:
    count = 2 * BLOCK + 10
    rows = [row(i, MARCH.start + i, "short" if i % 3 == 0 else "standard") for i in range(count)]
    appends.append([SealedRequest(rows, 0)])
    cohorts, act = ExpiryStore(database), begun(database)
    assert cohorts.blocks(MARCH) == [0, 1, 2]
    shrunk = [cohorts.shrink(MARCH, block, act.act) for block in (0, 1, 2)]
    assert sum(shrunk) == sum(i % 3 != 0 for i in range(count))
    assert shrunk[0] == sum(i % 3 != 0 for i in range(BLOCK))
    [[_, _, _, first, last], *_] = sorted(s for s in spans(database) if s[0] == RECEIVED and s[2] == 1)
    assert (first - MARCH.start, last - MARCH.start) == (1026, 2046)
    assert store.entry(3).columns["act"] is None

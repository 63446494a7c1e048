"""The sizes of cohorts stay what counting gives, whatever changes them, on both back ends."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import insert, text, update

from tests.conftest import NewUrl
from tests.service.test_retention_rules import us
from tests.storage.test_expiry_store import MARCH, MOVED, begun, row
from tlog.audit.cohort import cohort_of
from tlog.storage.append_store import AppendStore, KnownIds, NewRow, SealedRequest
from tlog.storage.cohort_sizes import counted_sizes, recount, sizes_in, stored_sizes
from tlog.storage.database import Database
from tlog.storage.expiry_store import ExpiryStore, MovedRow
from tlog.storage.migrate import upgrade
from tlog.storage.tables import cohort_sizes, entries, facets

MOMENTS = [us(1969, 12) - 1, us(1970, 1) - 1, -1, 0, us(2024, 3) - 1, us(2025, 1), us(2025, 3) - 1, us(2025, 3)]


def require_right(database: Database) -> Counter[str]:
    """Return the sizes, which are those that counting gives."""
    with database.read() as connection:
        sizes = sizes_in(connection)
        assert sizes == counted_sizes(connection)
    return sizes


def test_every_append_adds_to_the_cohort_of_its_month(database: Database, appends: AppendStore) -> None:
    for number, received in enumerate(MOMENTS):
        appends.append([SealedRequest([row(number, received), NewRow(b"bare")], 0)])
    assert require_right(database) == Counter(cohort_of("standard", received) for received in MOMENTS)


def test_what_is_refused_adds_nothing(database: Database, appends: AppendStore) -> None:
    appends.append([SealedRequest([row(0, 0)], 0)])
    [known, _] = appends.append([SealedRequest([row(0, 0), row(1, 0)], 0), SealedRequest([row(2, 0, "short")], 0)])
    assert isinstance(known, KnownIds)
    assert require_right(database) == {"standard/1970-01": 1, "short/1970-01": 1}


def test_moving_and_expiring(database: Database, appends: AppendStore) -> None:
    appends.append([SealedRequest([row(i, us(2025, 3) + i) for i in range(5)], 0)])
    cohorts = ExpiryStore(database)
    for _ in range(2):  # moving again is harmless
        cohorts.move([MovedRow(i, b"\x01core", None, []) for i in (1, 3)], MOVED.cohort)
        assert require_right(database) == {MARCH.cohort: 3, MOVED.cohort: 2}
    act = begun(database)
    cohorts.shrink(MARCH, 0, act.act, kept=[4])
    assert require_right(database) == {MARCH.cohort: 1, MOVED.cohort: 2}
    cohorts.shrink(MARCH, 0, act.act)
    assert require_right(database) == {MOVED.cohort: 2}
    cohorts.shrink(MOVED, 0, act.act)
    assert require_right(database) == {}


@pytest.mark.parametrize("size", [0, 3, -1])
def test_what_is_wrong_is_counted_anew(size: int, database: Database, appends: AppendStore) -> None:
    appends.append([SealedRequest([row(0, 0)], 0)])
    with database.write() as connection:
        connection.execute(update(cohort_sizes).values(entries=size))
    recount(database)
    assert stored_sizes(database) == require_right(database) == {"standard/1970-01": 1}


def test_counting_an_empty_log(database: Database) -> None:
    recount(database)
    assert require_right(database) == {}


@pytest.mark.parametrize("expired", [False, True], ids=["nothing ever expired", "entries were moved"])
def test_migrating_counts_what_is_there(expired: bool, new_url: NewUrl) -> None:
    database = Database(new_url(), create=True)
    upgrade(database, "log", "0007")
    facet = {"facet": 1, "source": "clinic", "action": "read", "outcome": "allowed", "retention": "standard"}
    rows = [
        {
            "log_index": index,
            "leaf": b"leaf",
            "facet": None if index == 4 else 1,  # one has expired
            "received_at": None if index == 4 else MOMENTS[index],
            "cohort": "standard/2023-12+1" if expired and index == 3 else None,
        }
        for index in range(5)
    ]
    with database.write() as connection:
        connection.execute(insert(facets), [facet])
        connection.execute(insert(entries), rows)
        if expired:
            connection.execute(
                text("INSERT INTO acts (act_id, kind, state, requested_at) VALUES (:id, 'expiry', 'done', 1)"),
                {"id": b"1"},
            )
    upgrade(database, "log")
    cohorts = ["standard/1969-11", "standard/1969-12", "standard/1969-12", "standard/1970-01"]
    cohorts[3] = "standard/2023-12+1" if expired else cohorts[3]
    assert require_right(database) == Counter(cohorts)
    database.close()

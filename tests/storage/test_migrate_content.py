"""A database of the first schema, with rows, says the same after the migration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.conftest import NewUrl
from tests.storage.test_append_store import sealed
from tlog.audit.cohort import cohort_of
from tlog.storage.append_store import Appended, AppendStore, NewRow, SealedRequest
from tlog.storage.cohort_sizes import counted_sizes, recount, sizes_in, stored_sizes
from tlog.storage.database import Database
from tlog.storage.log_store import LogStore, PersonalPart
from tlog.storage.migrate import upgrade
from tlog.storage.time_blocks import DAY, spans_of

# index -> (occurred_at, received_at), on both sides of 1970, of a day and of a block
TIMES = {
    0: (-1, 5),
    1: (-DAY, DAY - 1),
    2: (-DAY - 1, DAY),
    1023: (1, 2 * DAY),
    1024: (2, 2 * DAY + 1),
    5000: (253_402_300_799_999_999, 2 * DAY),
}
BARE = 3
_COLUMNS = "log_index, leaf, entry_id, source, seq, occurred_at, received_at, action, outcome, retention, core, shared"


@pytest.fixture
def old(new_url: NewUrl) -> Iterator[Database]:
    database = Database(new_url(), create=True)
    upgrade(database, "log", "0001")
    with database.write() as connection:
        for index, (occurred_at, received_at) in TIMES.items():
            values = {
                "log_index": index,
                "leaf": index.to_bytes(32),
                "entry_id": index.to_bytes(16),
                "source": "shop",
                "seq": index,
                "occurred_at": occurred_at,
                "received_at": received_at,
                "action": f"record.{index % 2}",
                "outcome": "allowed",
                "retention": "standard",
                "core": b"core",
                "shared": b"shared" if index else None,
            }
            places = ", ".join(f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO entries ({_COLUMNS}) VALUES ({places})"), values)  # noqa: S608
            part = "INSERT INTO personal (log_index, part, key_id, ciphertext) VALUES (:i, 0, 77, :c)"
            connection.execute(text(part), {"i": index, "c": b"actor"})
        connection.execute(text("INSERT INTO entries (log_index, leaf) VALUES (:i, :l)"), {"i": BARE, "l": b"bare"})
        state = (
            "INSERT INTO log_state (id, origin, size, integrated_size, integrated_root) VALUES (1, 'o', 5001, 0, :r)"
        )
        connection.execute(text(state), {"r": bytes(32)})
    yield database
    database.close()


def test_every_row_says_what_it_said(old: Database) -> None:
    upgrade(old, "log")
    rows = LogStore(old).entries_at([*TIMES, BARE])
    for index, (occurred_at, received_at) in TIMES.items():
        row, columns = rows[index], rows[index].columns
        assert (row.leaf, columns["entry_id"], columns["seq"]) == (index.to_bytes(32), index.to_bytes(16), index)
        assert (columns["occurred_at"], columns["received_at"]) == (occurred_at, received_at)
        facet = (columns["source"], columns["action"], columns["outcome"], columns["retention"])
        assert facet == ("shop", f"record.{index % 2}", "allowed", "standard")
        assert (columns["core"], columns["shared"]) == (b"core", b"shared" if index else None)
        assert (columns["terms"], columns["act"], columns["cohort"], columns["shared_act"]) == (None,) * 4
        assert row.personal == (PersonalPart(0, 77, b"actor"),)
    assert rows[BARE].leaf == b"bare"
    assert {value for name, value in rows[BARE].columns.items() if name not in ("log_index", "leaf")} == {None}
    assert (LogStore(old).state().size, LogStore(old).key_epoch()) == (5001, 0)


def test_the_time_blocks_are_those_that_appends_would_have_made(old: Database) -> None:
    upgrade(old, "log")
    with old.read() as connection:
        rows = connection.execute(text("SELECT * FROM time_blocks")).all()
    found = {(row.clock, row.day, row.block): (row.first, row.last) for row in rows}
    assert found == spans_of((index, *times) for index, times in TIMES.items())


def test_the_sizes_of_cohorts_are_those_that_appends_would_have_made(old: Database) -> None:
    upgrade(old, "log")
    expected = Counter(cohort_of("standard", received_at) for _, received_at in TIMES.values())
    with old.read() as connection:
        assert sizes_in(connection) == expected == counted_sizes(connection)
    AppendStore(old).append([SealedRequest([sealed(7000)], 0)])
    recount(old)
    assert sum(stored_sizes(old).values()) == len(TIMES) + 1


def test_it_takes_appends_afterwards(old: Database) -> None:
    """The facets' numbers go on after those that the migration gave out."""
    upgrade(old, "log")
    assert AppendStore(old).append([SealedRequest([sealed(7000), NewRow(b"x")], 0)]) == [Appended(5001)]
    with old.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM facets")).scalar() == 3


def test_the_tables_keep_their_form(old: Database) -> None:
    """SQLite tables are made anew by the migration: they must stay clustered by their keys."""
    if not old.is_sqlite:
        pytest.skip("PostgreSQL changes a table in place")
    upgrade(old, "log")
    with old.read() as connection:
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        made: dict[str, str] = {row.name: row.sql for row in found}
    assert [name for name, sql in sorted(made.items()) if "WITHOUT ROWID" in sql] == [
        "personal",
        "terms",
        "time_blocks",
    ]
    assert "log_index INTEGER NOT NULL" in made["entries"]
    assert not any("_alembic_tmp" in name for name in made)

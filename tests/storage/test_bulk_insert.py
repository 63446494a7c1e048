from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tlog.storage.bulk_insert import BulkInsert
from tlog.storage.database import Database
from tlog.storage.tables import entries, personal


def test_rows_are_stored_with_every_kind_of_value(database: Database) -> None:
    columns = ("log_index", "leaf", "entry_id", "source", "seq")
    rows = [(0, b"\0\xff'%s?", bytes(16), "a:b %(x)s ? 'é", 1 << 40), (1, b"", None, None, None)]
    with database.write() as connection:
        BulkInsert(entries, columns, database.engine.dialect).execute(connection, rows)
    with database.read() as connection:
        found = connection.execute(select(*(entries.c[name] for name in columns)).order_by(entries.c.log_index))
        assert [tuple(row) for row in found] == rows


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.write() as connection:
        BulkInsert(personal, personal.c.keys(), database.engine.dialect).execute(connection, [])
    with database.read() as connection:
        assert connection.execute(select(personal)).all() == []


def test_a_duplicate_is_an_integrity_error_and_nothing_stays(database: Database) -> None:
    statement = BulkInsert(entries, ("log_index", "leaf"), database.engine.dialect)
    with pytest.raises(IntegrityError), database.write() as connection:
        statement.execute(connection, [(0, b"a"), (1, b"b"), (0, b"c")])
    with database.read() as connection:
        assert connection.execute(select(entries)).all() == []


def test_columns_in_another_order_are_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="order"):
        BulkInsert(entries, ("leaf", "log_index"), database.engine.dialect)

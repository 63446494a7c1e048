"""No look-up reads a table from end to end: what each statement is planned to do, as the databases say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from tests.storage.lookup_material import Row, store
from tlog.storage.append_store import AppendStore
from tlog.storage.database import Database
from tlog.storage.facets import Facet
from tlog.storage.lookup import facet_stream
from tlog.storage.lookup.conditions import Conditions, Window
from tlog.storage.lookup_store import LookUpStore
from tlog.storage.time_blocks import DAY

DAYS = Window(3 * DAY, 5 * DAY)
ASKED = [
    Conditions(),
    Conditions(persons=(1,)),
    Conditions(persons=(1, 2)),
    Conditions(terms=(1,)),
    Conditions(source="clinic"),
    Conditions(source="clinic", outcome="denied"),
    Conditions(action="patient.record"),
    Conditions(outcome="denied"),
    Conditions(retention="long"),
    Conditions(occurred=DAYS),
    Conditions(received=DAYS),
    Conditions(occurred=DAYS, received=DAYS),
    Conditions(occurred=Window(None, 5 * DAY)),
    Conditions(occurred=Window(3 * DAY, None)),
    Conditions((1,), (1,), "clinic", "patient", "denied", "standard", DAYS, DAYS),
]


def rows() -> list[Row]:
    made = []
    for number in range(6000):
        facet = Facet(
            "clinic" if number % 2 else "shop",
            f"patient.record{number % 40}",
            "denied" if number % 3 else "allowed",
            "standard",
        )
        made.append(Row(facet, (1, 2), (1, 2), number * DAY // 600, number * DAY // 600))
    return made


@contextmanager
def watched(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that are executed, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(database._reader, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database._reader, "before_cursor_execute", note)


@pytest.mark.parametrize("few", [512, 2], ids=["few facets", "many facets"])
def test_every_statement_seeks(few: int, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL plans by the size of the tables; see the test below")
    monkeypatch.setattr(facet_stream, "FEW_FACETS", few)
    store(AppendStore(database), rows())
    with watched(database) as statements:
        for conditions in ASKED:
            LookUpStore(database, max_seconds=60).page(conditions, None, 50)
            LookUpStore(database, max_seconds=60).page(conditions, 3000, 50)
    assert len(statements) > 2 * len(ASKED)
    assert any("INDEXED BY" in statement for statement, _ in statements)
    for statement, parameters in statements:
        with database.read() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        steps = [str(row[3]) for row in plan]
        # Only the small table of facets is ever read whole.
        assert not [step for step in steps if re.match(r"SCAN (?!facets|anon)", step)], (statement, steps)
        assert not [step for step in steps if "TEMP B-TREE" in step and "time_blocks" not in statement], statement


def test_postgresql_does_not_walk_the_primary_key_for_a_person_of_long_ago(database: Database) -> None:
    """Half of all entries are of person 1, the older half: the primary key backwards would pass over the others."""
    if database.is_sqlite:
        pytest.skip("SQLite takes the index of an equality")
    facet = Facet("clinic", "a", "allowed", "standard")
    old, new = Row(facet, (1,), (1,)), Row(facet._replace(action="b"), (2,), (2,))
    store(AppendStore(database), [old] * 10_000 + [new] * 10_000)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE entries, personal, terms"))
    with watched(database) as statements:
        for conditions in (Conditions(persons=(1,)), Conditions(terms=(1,)), Conditions(action="a")):
            page = LookUpStore(database).page(conditions, None, 50)
            assert page.indices == list(range(9999, 9949, -1))
    with database.read() as connection:
        plans = [explained(connection, statement, parameters) for statement, parameters in statements]
    found = [plan for plan in plans if "personal" in plan or "terms" in plan or "entries" in plan]
    assert len(found) >= 3
    for plan in found:
        assert re.search(r"using (ix_personal_key_id|pk_terms|ix_entries_facet)\b", plan), plan
        assert "Filter" not in plan, plan


def explained(connection: Connection, statement: str, parameters: Any) -> str:
    return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))

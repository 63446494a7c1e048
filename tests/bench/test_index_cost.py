"""What look-up costs: measured on a tiny log, with its indexes and without any of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bench import sealed_log
from bench.index_cost import compare

ROWS = 40


def indexes(folder: Path) -> set[str]:
    """The indexes that somebody made, of the tables that an append fills; those of keys have no statement."""
    made = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    with closing(sqlite3.connect(folder / "log.db")) as log:
        return {name for (name,) in log.execute(f"{made} AND tbl_name IN ('entries', 'personal')")}


def test_without_is_without_every_index(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    sealed_log.build(folder, 50)
    assert {"ix_entries_facet", "ix_entries_times", "ix_personal_key_id"} <= indexes(folder)
    having, without = compare(folder, ROWS)
    assert indexes(folder) == set()
    assert (having.name, without.name) == ("rows stored with indexes", "rows stored without indexes")
    assert having.settings == {"existing": 50, "rows": ROWS}
    assert without.settings == {"existing": 50 + ROWS, "rows": ROWS}
    assert min(having.value, without.value) > 0

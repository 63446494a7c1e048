"""One INSERT of many rows, handed to the driver as tuples.

SQLAlchemy writes the statement, for whichever database it is; what it would do for every row (a dictionary,
a processor for each value) is left out, because it costs more than SQLite's own work on the row. So this is
for columns whose values the drivers take as they are: integers, text, bytes, NULL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Insert, Table, insert
from sqlalchemy.engine.default import DefaultDialect


class BulkInsert:
    """The INSERT of some columns of a table; `columns` are those given, in the order in which rows have them."""

    def __init__(self, table: Table, columns: Sequence[str], dialect: Dialect, statement: Insert | None = None) -> None:
        """Write the statement; `statement` is another INSERT into the table (with ON CONFLICT) than the plain one."""
        # Placeholders by position: rows are tuples. "format" is the form that psycopg takes beside its named one.
        make = cast(type[DefaultDialect], type(dialect))
        by_position = make(paramstyle=None if dialect.positional else "format")
        compiled = (insert(table) if statement is None else statement).compile(
            dialect=by_position, column_keys=list(columns)
        )
        if compiled.positiontup != list(columns):
            raise ValueError(f"give the columns of {table.name} in the table's order")
        self._statement = str(compiled)

    def execute(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """Insert the rows; raises what the database raises, `IntegrityError` for a duplicate."""
        if rows:
            connection.exec_driver_sql(self._statement, rows)

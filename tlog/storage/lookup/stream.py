"""Streams: the indices under one value of an index, newest first, and how to ask for them.

Every query here is a range or a few seeks in one index that covers it; none sorts, and none reads a row of
`entries`. A bound is `[start, end)`.

PostgreSQL and SQLite each need their own spelling to be sure of it. With ``key_id = x ORDER BY log_index DESC
LIMIT n`` PostgreSQL may walk the primary key backwards and filter, over millions of rows where x is old; comparing
the pair ``(key_id, log_index)`` leaves it only the index of that pair. SQLite takes the index for the equality, but
seeks by the pair only where both are columns of the index, which the rowid of `entries` is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Connection, Select, Table, bindparam, select, tuple_

from tlog.storage.tables import personal, terms


class Stream(Protocol):
    """Indices that satisfy one condition."""

    def newest_below(self, end: int) -> int | None:
        """Return the largest index below `end`."""

    def below(self, start: int, end: int, limit: int) -> list[int]:
        """Return the largest indices within `[start, end)`, at most `limit`, newest first."""

    def among(self, indices: Sequence[int]) -> set[int]:
        """Return those of `indices`, which fall and are not none, that satisfy the condition."""

    def narrowed(self) -> Stream:
        """Return the stream for bounds that are close together: it may leave out what is not within the windows."""


class Values:
    """An index of a table over (value, log_index), and its queries, written once."""

    def __init__(self, table: Table, column: str, index: str | None) -> None:
        """`index` is its name, None where it is the primary key."""
        value, place = table.c[column], table.c.log_index
        given = number("value")
        among = select(place).where(value == given, place.in_(bindparam("indices", expanding=True)))
        self.among = among if index is None else among.with_hint(table, f"INDEXED BY {index}", "sqlite")
        self._below = {True: newest_first_sqlite(value, place, given), False: newest_first(value, place, given)}

    def below(self, connection: Connection) -> Select[Any]:
        """Return the query of the newest indices within bounds, for this database."""
        return self._below[connection.dialect.name == "sqlite"]


def newest_first(value: ColumnElement[Any], place: ColumnElement[int], given: Any) -> Select[Any]:
    """Return a query for PostgreSQL; its parameters are start, end and limit."""
    pair = tuple_(value, place)
    at_least, less = tuple_(given, number("start")), tuple_(given, number("end"))
    query = select(place).where(pair >= at_least, pair < less)
    return query.order_by(value.desc(), place.desc()).limit(number("limit"))


def newest_first_sqlite(value: ColumnElement[Any], place: ColumnElement[int], given: Any) -> Select[Any]:
    """Return the same query for SQLite."""
    query = select(place).where(value == given, place >= number("start"), place < number("end"))
    return query.order_by(place.desc()).limit(number("limit"))


def number(name: str) -> BindParameter[int]:
    """Return a parameter that is a 64-bit number."""
    return bindparam(name, type_=BigInteger())


PERSONS = Values(personal, "key_id", "ix_personal_key_id")
TERMS = Values(terms, "term", None)


class ValueStream:
    """The entries under one value: of one person's key, or of one blind term."""

    def __init__(self, connection: Connection, values: Values, value: int) -> None:
        self._connection = connection
        self._among = values.among
        self._below = values.below(connection)
        self._value = value
        self._is_dense = False

    def newest_below(self, end: int) -> int | None:
        """Return the largest index below `end`."""
        found = self.below(0, end, 1)
        return found[0] if found else None

    def below(self, start: int, end: int, limit: int) -> list[int]:
        """Return the largest indices within `[start, end)`, newest first."""
        bounds = {"value": self._value, "start": start, "end": end, "limit": limit}
        return list(dict.fromkeys(self._connection.execute(self._below, bounds).scalars().all()))

    def among(self, indices: Sequence[int]) -> set[int]:
        """Return those of `indices`, which fall, that are under the value."""
        if not self._is_dense:  # one range costs less than a seek for each, unless it holds far more
            most = 4 * len(indices)
            between = self.below(indices[-1], indices[0] + 1, most)
            if len(between) < most:
                return set(between).intersection(indices)
            self._is_dense = True
        given = {"value": self._value, "indices": indices}
        return set(self._connection.execute(self._among, given).scalars().all())

    def narrowed(self) -> ValueStream:
        """Return the stream: it knows nothing of times."""
        return self

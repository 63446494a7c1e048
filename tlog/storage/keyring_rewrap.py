"""Wrapped keys in pages, for rotating what they are wrapped under or found by. The log is stopped meanwhile.

A page is one transaction, and every update names the value it replaces: a key that changed meanwhile is left alone
and found again by the next walk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Column, Table, func, insert, select, update

from tlog.storage.database import Database
from tlog.storage.keyring_store import DESTROYED
from tlog.storage.tables import cohort_keys, keyring_secrets, person_keys

PAGE: Final = 500
TABLES: Final[tuple[tuple[Table, Column[Any]], ...]] = (
    (keyring_secrets, keyring_secrets.c.name),
    (cohort_keys, cohort_keys.c.cohort),
    (person_keys, person_keys.c.key_id),
)


class KeyringRewrap:
    """Walks one keyring database. Methods block; durable on return."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self) -> int:
        """Return how many wrapped keys there are."""
        with self._database.read() as connection:
            return sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table, _ in TABLES)

    def pages(self, table: Table, key: Column[Any]) -> Iterator[list[tuple[Any, bytes]]]:
        """Yield the names and wrapped keys of a table in pages, without those that were destroyed."""
        after: Any = None
        while True:
            query = select(key, table.c.wrapped).order_by(key).limit(PAGE)
            with self._database.read() as connection:
                rows = connection.execute(query if after is None else query.where(key > after)).all()
            if not rows:
                return
            after = rows[-1][0]
            yield [(row[0], bytes(row[1])) for row in rows if row[1] != DESTROYED]

    def replace(self, table: Table, key: Column[Any], rows: Sequence[tuple[Any, bytes, bytes]]) -> None:
        """Store (name, old, new): each new wrapped key in the place of the old one, all or none."""
        with self._database.write() as connection:
            for name, old, new in rows:
                connection.execute(update(table).where(key == name, table.c.wrapped == old).values(wrapped=new))

    def rehash(self, name: str, wrapped: bytes, digest: Callable[[bytes], bytes]) -> int:
        """Add a secret and put `digest` of every person's hash in its place, in one transaction.

        Returns how many. Raises IntegrityError where a secret has the name: nothing is changed then.
        """
        person = person_keys.c
        total, after = 0, -1
        with self._database.write() as connection:
            connection.execute(insert(keyring_secrets).values(name=name, wrapped=wrapped))
            while True:
                query = select(person.key_id, person.person_hash).where(person.key_id > after)
                rows = connection.execute(query.order_by(person.key_id).limit(PAGE)).all()
                if not rows:
                    return total
                after = rows[-1].key_id
                for row in rows:
                    if row.person_hash is not None:
                        fresh = digest(bytes(row.person_hash))
                        change = update(person_keys).where(person.key_id == row.key_id)
                        connection.execute(change.values(person_hash=fresh))
                        total += 1

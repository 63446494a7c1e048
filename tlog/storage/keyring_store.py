"""Wrapped data keys, in a database of their own, so that they are backed up apart from the entries.

Nothing here opens a key: what is stored was wrapped by the key-encryption provider. A person is known by
a keyed hash of their id only. Deleting a row destroys the key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from tlog.storage.database import Database
from tlog.storage.log_store import many
from tlog.storage.scrub import scrub
from tlog.storage.tables import cohort_keys, keyring_secrets, person_keys

_LOOKUP_ROWS = 500
DESTROYED = b""
"""What stands in the place of a cohort's key once it is destroyed."""


@dataclass(frozen=True, slots=True)
class WrappedPersonKey:
    """The wrapped key of one person; `key_id` is random and says nothing about them.

    `person_hash` is None once the key is withdrawn: it opens what was sealed under it, and nothing finds it.
    """

    key_id: int
    person_hash: bytes | None
    wrapped: bytes


class KeyringStore:
    """Reads and writes of the keyring's database; durable on return. Methods block."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def secret(self, name: str) -> bytes | None:
        """Return a wrapped secret of the keyring itself."""
        query = select(keyring_secrets.c.wrapped).where(keyring_secrets.c.name == name)
        with self._database.read() as connection:
            return connection.execute(query).scalar()

    def secrets(self, prefix: str) -> dict[str, bytes]:
        """Return the wrapped secrets whose names begin with `prefix`."""
        query = select(keyring_secrets.c.name, keyring_secrets.c.wrapped)
        with self._database.read() as connection:
            return {row.name: row.wrapped for row in connection.execute(query) if row.name.startswith(prefix)}

    def need_secret(self, name: str, wrapped: bytes) -> bytes:
        """Store a wrapped secret unless there is one of this name; return the stored one."""
        with self._database.write() as connection:
            connection.execute(self._insert_if_absent(keyring_secrets), [{"name": name, "wrapped": wrapped}])
            query = select(keyring_secrets.c.wrapped).where(keyring_secrets.c.name == name)
            return bytes(connection.execute(query).scalar_one())

    def add_secret(self, name: str, wrapped: bytes) -> None:
        """Store a wrapped secret under a name that is free."""
        with self._database.write() as connection:
            connection.execute(insert(keyring_secrets).values(name=name, wrapped=wrapped))

    def cohorts(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the wrapped keys of those cohorts that have one."""
        found: dict[str, bytes] = {}
        with self._database.read() as connection:
            for some in many(names, _LOOKUP_ROWS):
                query = select(cohort_keys.c.cohort, cohort_keys.c.wrapped).where(cohort_keys.c.cohort.in_(some))
                rows = connection.execute(query).all()
                found.update({row.cohort: row.wrapped for row in rows if row.wrapped != DESTROYED})
        return found

    def cohort_names(self) -> list[str]:
        """Return the names of the cohorts that have a key."""
        query = select(cohort_keys.c.cohort).where(cohort_keys.c.wrapped != DESTROYED)
        with self._database.read() as connection:
            return sorted(connection.execute(query).scalars())

    def destroyed_cohorts(self, names: Sequence[str]) -> set[str]:
        """Return those of the cohorts whose key was destroyed."""
        found: set[str] = set()
        with self._database.read() as connection:
            for some in many(names, _LOOKUP_ROWS):
                query = select(cohort_keys.c.cohort).where(cohort_keys.c.cohort.in_(some))
                found |= set(connection.execute(query.where(cohort_keys.c.wrapped == DESTROYED)).scalars())
        return found

    def add_cohorts(self, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        """Store cohort keys; where one is there already, it stays. Returns what is stored now: none for a cohort
        whose key was destroyed."""
        rows = [{"cohort": name, "wrapped": key} for name, key in wrapped.items()]
        with self._database.write() as connection:
            connection.execute(self._insert_if_absent(cohort_keys), rows)
        return self.cohorts(list(wrapped))

    def persons(self, hashes: Sequence[bytes]) -> dict[bytes, WrappedPersonKey]:
        """Return the wrapped keys of those persons, by keyed hash, that have one."""
        found: dict[bytes, WrappedPersonKey] = {}
        with self._database.read() as connection:
            for some in many(hashes, _LOOKUP_ROWS):
                query = select(*_PERSON).where(person_keys.c.person_hash.in_(some))
                rows = [WrappedPersonKey(*row) for row in connection.execute(query)]
                found.update({row.person_hash: row for row in rows if row.person_hash is not None})
        return found

    def persons_by_id(self, key_ids: Sequence[int]) -> dict[int, WrappedPersonKey]:
        """Return the wrapped keys of those `key_ids` that still have one."""
        found: dict[int, WrappedPersonKey] = {}
        with self._database.read() as connection:
            for some in many(key_ids, _LOOKUP_ROWS):
                query = select(*_PERSON).where(person_keys.c.key_id.in_(some))
                rows = [WrappedPersonKey(*row) for row in connection.execute(query)]
                found.update({row.key_id: row for row in rows})
        return found

    def add_persons(self, keys: Sequence[WrappedPersonKey]) -> dict[bytes, WrappedPersonKey]:
        """Store person keys; where one is there already, it stays. Returns what is stored now."""
        rows = [{"key_id": k.key_id, "person_hash": k.person_hash, "wrapped": k.wrapped} for k in keys]
        with self._database.write() as connection:
            connection.execute(self._insert_if_absent(person_keys), rows)
        return self.persons([k.person_hash for k in keys if k.person_hash is not None])

    def withdraw_person(self, key_id: int) -> None:
        """Take a key out of use: nobody is found by it any more. Doing it again changes nothing."""
        with self._database.write() as connection:
            connection.execute(update(person_keys).where(person_keys.c.key_id == key_id).values(person_hash=None))

    def destroy_person(self, key_id: int) -> bool:
        """Delete a key. Returns whether it was there."""
        with self._database.write() as connection:
            return connection.execute(delete(person_keys).where(person_keys.c.key_id == key_id)).rowcount > 0

    def person_key_ids(self, after: int, limit: int) -> list[int]:
        """Return the `key_id`s above `after`, in ascending order, at most `limit`."""
        query = select(person_keys.c.key_id).where(person_keys.c.key_id > after)
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(person_keys.c.key_id).limit(limit)).scalars())

    def destroy_persons(self, key_ids: Collection[int]) -> None:
        """Delete several keys, in one transaction."""
        with self._database.write() as connection:
            for some in many(list(key_ids), _LOOKUP_ROWS):
                connection.execute(delete(person_keys).where(person_keys.c.key_id.in_(some)))

    def destroy_cohort(self, name: str) -> bool:
        """Delete the key of a cohort. Its name stays taken, so that no key is ever made for it again.

        Returns whether there was a key.
        """
        key = update(cohort_keys).where(cohort_keys.c.cohort == name, cohort_keys.c.wrapped != DESTROYED)
        with self._database.write() as connection:
            found = connection.execute(key.values(wrapped=DESTROYED)).rowcount > 0
            connection.execute(self._insert_if_absent(cohort_keys), [{"cohort": name, "wrapped": DESTROYED}])
            return found

    def scrub(self) -> None:
        """Clean the files of what was deleted. Raises `Unavailable` where that is not possible now."""
        scrub(self._database, small=(person_keys, cohort_keys))

    def _insert_if_absent(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        if self._database.is_sqlite:
            return sqlite.insert(table).on_conflict_do_nothing()
        return postgresql.insert(table).on_conflict_do_nothing()


_PERSON = (person_keys.c.key_id, person_keys.c.person_hash, person_keys.c.wrapped)

"""A log's two databases, and older ones put in their place, on either back end."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import make_url

from tests.conftest import NewUrl

LOG: Final = ("log",)
KEYRING: Final = ("keyring",)
BOTH: Final = (*LOG, *KEYRING)


@dataclass(frozen=True, slots=True)
class Databases:
    """Where a log's and its keyring's database are."""

    log: str
    keyring: str

    @property
    def urls(self) -> tuple[str, str]:
        return self.log, self.keyring

    def copied(self, new_url: NewUrl) -> Databases:
        """Return copies of databases that nobody has open."""
        return Databases(_copied(self.log, new_url()), _copied(self.keyring, new_url()))

    def with_older(self, older: Databases, names: Collection[str]) -> Databases:
        """Return these databases, with those of these names taken from `older`."""
        return Databases(*(getattr(older if name in names else self, name) for name in BOTH))


def new_databases(new_url: NewUrl) -> Databases:
    """Return where new databases go."""
    return Databases(new_url(), new_url())


def sqlite_in(folder: Path) -> NewUrl:
    """Return what makes URLs of SQLite files, where the back end makes no difference."""
    numbers = count()
    return lambda: f"sqlite:///{folder}/{next(numbers)}.db"


def drop_tiles(folder: Path, names: Collection[str]) -> None:
    """Remove the tiles of a log whose database is of these older ones: they know more than it does."""
    if "log" in names:
        shutil.rmtree(folder / "tiles")


def _copied(source: str, target: str) -> str:
    old, new = make_url(source), make_url(target)
    if old.get_backend_name() == "sqlite":
        shutil.copy(Path(old.database or ""), Path(new.database or ""))
        return target
    with psycopg.connect(
        host=str(old.query["host"]), user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f"DROP DATABASE {new.database}".encode())
        connection.execute(f"CREATE DATABASE {new.database} TEMPLATE {old.database}".encode())
    return target

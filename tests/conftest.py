from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import cluster, new_database

NewUrl = Callable[[], str]

_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
on_postgres_too = pytest.mark.parametrize("urls", ["sqlite", _POSTGRES], indirect=True)
"""Marks a test of a whole log whose SQL matters: it runs over SQLite and PostgreSQL, others over SQLite only."""

# How long an example takes is a matter of what else the machine does; bench/ measures.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    with cluster() as socket:
        yield socket


@pytest.fixture(params=["sqlite", _POSTGRES])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Makes URLs of databases that do not exist yet (SQLite) or are empty (PostgreSQL): one test, every back end."""
    if request.param == "postgres":
        socket: Path = request.getfixturevalue("postgres_socket")
        return lambda: new_database(socket)
    numbers = count()
    return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"


@pytest.fixture
def urls(request: pytest.FixtureRequest) -> tuple[str, str] | None:
    """Where a log and its keyring are: None for files in the log's folder; new databases with `on_postgres_too`."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    socket: Path = request.getfixturevalue("postgres_socket")
    return new_database(socket), new_database(socket)

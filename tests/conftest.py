from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres import cluster, new_database

NewUrl = Callable[[], str]

# How long an example takes is a matter of what else the machine does; bench/ measures.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    with cluster() as socket:
        yield socket


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Makes URLs of databases that do not exist yet (SQLite) or are empty (PostgreSQL): one test, every back end."""
    if request.param == "postgres":
        socket: Path = request.getfixturevalue("postgres_socket")
        return lambda: new_database(socket)
    numbers = count()
    return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"

"""Index terms of entries from before there were any: made once, in pages, the same that appends make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.conftest import NewUrl
from tests.service.erased import run
from tests.support import append_request, make_parts
from tlog.keys.keyring import Keyring
from tlog.service import reindex
from tlog.service.intake import read_request
from tlog.service.reindex import Reindexed, compute_missing_terms
from tlog.service.sealer import Sealer
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.database import Database
from tlog.storage.tables import entries, terms

COUNT = 25


@pytest.fixture
def log(new_url: NewUrl, tmp_path: Path) -> Iterator[tuple[Database, Keyring]]:
    parts, keyring_database = make_parts(tmp_path / "log", urls=(new_url(), new_url()))
    sealer = Sealer(parts.keyring, parts.now, parts.random)
    sealed = sealer.seal_rows(read_request(append_request(COUNT)))
    AppendStore(parts.database).append([SealedRequest([NewRow(bytes(32))], 0), sealed])
    yield parts.database, parts.keyring
    parts.database.close()
    keyring_database.close()


def index(database: Database) -> list[object]:
    with database.read() as connection:
        rows = connection.execute(select(terms).order_by(*terms.c)).all()
        own = connection.execute(select(entries.c.log_index, entries.c.terms).order_by(entries.c.log_index)).all()
    return [*map(tuple, rows), *map(tuple, own)]


def forget(database: Database) -> None:
    run(database, ["UPDATE entries SET terms = NULL", "DELETE FROM terms"])


def test_the_terms_are_those_that_the_append_made(log: tuple[Database, Keyring]) -> None:
    database, keyring = log
    made = index(database)
    forget(database)
    seen: list[tuple[int, int]] = []
    assert compute_missing_terms(database, keyring, lambda *n: seen.append(n)) == Reindexed(COUNT, 0)
    assert index(database) == made
    assert seen == [(COUNT, COUNT)]
    assert compute_missing_terms(database, keyring, lambda *n: seen.append(n)) == Reindexed(0, 0)
    assert len(seen) == 1


def test_an_interrupted_run_goes_on_where_it_was(
    log: tuple[Database, Keyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, keyring = log
    made = index(database)
    forget(database)
    monkeypatch.setattr(reindex, "_PAGE", 10)

    def interrupt(done: int, total: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compute_missing_terms(database, keyring, interrupt)
    assert compute_missing_terms(database, keyring, lambda *_: None) == Reindexed(COUNT - 20, 0)
    assert index(database) == made


def test_what_does_not_open_is_counted_and_left(log: tuple[Database, Keyring]) -> None:
    database, keyring = log
    forget(database)
    run(database, ["UPDATE personal SET key_id = 1 WHERE log_index IN (3, 4) AND part = 1"])
    assert compute_missing_terms(database, keyring, lambda *_: None) == Reindexed(COUNT - 2, 2)
    with database.read() as connection:
        missing = select(entries.c.log_index).where(entries.c.terms.is_(None)).order_by(entries.c.log_index)
        assert connection.execute(missing).scalars().all() == [0, 3, 4]

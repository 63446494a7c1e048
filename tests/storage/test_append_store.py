"""Assigning indices: the same contract on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from tlog.errors import ConcurrentUpdate, Conflict, StorageFault
from tlog.storage import append_store
from tlog.storage.append_store import Appended, AppendStore, KnownIds, NewRow, Outcome, SealedRequest
from tlog.storage.database import Database
from tlog.storage.facets import Facet
from tlog.storage.log_store import LogStore, PersonalPart


def sealed(number: int, *, source: str = "shop", seq: int | None = None) -> NewRow:
    columns = {
        "entry_id": number.to_bytes(16),
        "source": source,
        "seq": number if seq is None else seq,
        "occurred_at": 1,
        "received_at": 2,
        "core": b"\x01core",
        "shared": None,
    }
    facet = Facet(source, "record.read", "allowed", "standard")
    parts = [(0, 77, b"\x01actor"), (1, 78, b"\x01subject")]
    return NewRow(number.to_bytes(32), columns, parts, facet, (number, -7))


def test_indices_are_consecutive_over_requests_and_calls(appends: AppendStore, store: LogStore) -> None:
    assert appends.append([SealedRequest([sealed(1), sealed(2)], 0), SealedRequest([NewRow(b"bare")], 0)]) == [
        Appended(0),
        Appended(2),
    ]
    assert appends.append([SealedRequest([sealed(3)], 0)]) == [Appended(3)]
    assert store.leaves(0, 4) == [(1).to_bytes(32), (2).to_bytes(32), b"bare", (3).to_bytes(32)]
    assert store.state().size == 4


def test_a_stored_entry_comes_back_whole(appends: AppendStore, store: LogStore) -> None:
    appends.append([SealedRequest([sealed(1)], 0)])
    entry = store.entry(0)
    assert entry.columns["source"] == "shop"
    assert entry.columns["core"] == b"\x01core"
    assert entry.personal == (PersonalPart(0, 77, b"\x01actor"), PersonalPart(1, 78, b"\x01subject"))
    assert entry.columns["entry_id"] == (1).to_bytes(16)


def test_a_known_id_is_reported_and_nothing_of_its_request_is_stored(appends: AppendStore, store: LogStore) -> None:
    appends.append([SealedRequest([sealed(1)], 0)])
    outcomes = appends.append([SealedRequest([sealed(2), sealed(1)], 0), SealedRequest([sealed(3)], 0)])
    assert outcomes == [KnownIds({(1).to_bytes(16): 0}), Appended(1)]
    assert store.leaves(0, 2) == [(1).to_bytes(32), (3).to_bytes(32)]


def test_the_same_id_in_two_requests_of_a_group_has_one_index(appends: AppendStore, store: LogStore) -> None:
    assert appends.append([SealedRequest([sealed(1)], 0), SealedRequest([sealed(1)], 0)]) == [
        Appended(0),
        KnownIds({(1).to_bytes(16): 0}),
    ]
    assert store.state().size == 1


@pytest.mark.parametrize(
    "rows", [[sealed(2, seq=1)], [sealed(3, seq=9), sealed(4, seq=9)]], ids=["stored", "within the request"]
)
def test_a_seq_belongs_to_one_id(rows: Sequence[NewRow], appends: AppendStore, store: LogStore) -> None:
    appends.append([SealedRequest([sealed(1)], 0)])
    refused, taken = appends.append([SealedRequest(rows, 0), SealedRequest([sealed(5)], 0)])
    assert isinstance(refused, Conflict)
    assert "of source shop belongs to entr" in str(refused)
    assert taken == Appended(1)
    assert store.state().size == 2


def test_the_same_seq_of_two_sources_is_fine(appends: AppendStore) -> None:
    assert appends.append([SealedRequest([sealed(1, seq=1), sealed(2, source="clinic", seq=1)], 0)]) == [Appended(0)]


def test_a_row_beyond_the_state_is_called_damage(appends: AppendStore, database: Database, store: LogStore) -> None:
    appends.append([SealedRequest([NewRow(b"a")], 0)])
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE log_state SET size = 0, integrated_size = 0")
    with pytest.raises(StorageFault, match="fsck"):
        appends.append([SealedRequest([NewRow(b"b")], 0)])
    assert store.leaves(0, 1) == [b"a"]


def test_two_writers_never_share_an_index(database: Database, store: LogStore) -> None:
    """Many threads append at once; PostgreSQL's row lock and SQLite's BEGIN IMMEDIATE put them in line."""
    outcomes: list[Outcome] = []

    def work(first: int) -> None:
        mine = AppendStore(database)
        for number in range(first, first + 20):
            outcomes.extend(mine.append([SealedRequest([sealed(number), NewRow(b"x")], 0)]))

    threads = [threading.Thread(target=work, args=(1 + 1000 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    starts = sorted(outcome.start for outcome in outcomes if isinstance(outcome, Appended))
    assert starts == list(range(0, 160, 2))
    assert store.state().size == 160


def test_a_lost_compare_and_swap_stores_nothing(
    appends: AppendStore, store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race is forced: this writer believes in a size that another one has moved on from."""
    appends.append([SealedRequest([NewRow(b"a")], 0)])
    read_size = append_store._Group.__init__

    def stale(self: append_store._Group, *arguments: object) -> None:
        read_size(self, *arguments)  # type: ignore[arg-type]
        self._size += 5

    monkeypatch.setattr(append_store._Group, "__init__", stale)
    with pytest.raises(ConcurrentUpdate):
        appends.append([SealedRequest([NewRow(b"b")], 0)])
    assert store.state().size == 1
    assert store.leaves(0, 1) == [b"a"]

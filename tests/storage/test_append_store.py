"""Assigning indices: the same contract on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from tlog.errors import ConcurrentUpdate, Conflict, NotFound, StorageFault
from tlog.storage import append_store
from tlog.storage.append_store import Appended, AppendStore, KnownIds, NewRow, Outcome, SealedRequest, StaleKeys
from tlog.storage.database import Database
from tlog.storage.facets import Facet, FacetNumbers
from tlog.storage.index_terms import unpack_terms
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


def table(database: Database, name: str) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return sorted(tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name}"))  # noqa: S608


def with_facet(number: int, action: str) -> SealedRequest:
    row = sealed(number)
    row.facet = Facet("shop", action, "allowed", "standard")
    return SealedRequest([row], 0)


def test_what_finds_an_entry_is_stored_with_it(appends: AppendStore, store: LogStore, database: Database) -> None:
    appends.append([SealedRequest([sealed(1), NewRow(b"bare"), sealed(3)], 0)])
    assert table(database, "terms") == [(-7, 0), (-7, 2), (1, 0), (3, 2)]
    assert table(database, "time_blocks") == [(0, 0, 0, 1, 1), (1, 0, 0, 2, 2)]
    columns = store.entry(2).columns
    assert (columns["action"], columns["outcome"], columns["retention"]) == ("record.read", "allowed", "standard")
    assert unpack_terms(columns["terms"]) == (3, -7)
    assert {store.entry(1).columns[name] for name in ("facet", "terms", "action")} == {None}
    assert store.index_of((3).to_bytes(16)) == 2
    with pytest.raises(NotFound):
        store.index_of((4).to_bytes(16))


def test_a_refused_request_leaves_nothing_to_find(appends: AppendStore, database: Database) -> None:
    appends.append([SealedRequest([sealed(1)], 0)])
    before = [table(database, name) for name in ("terms", "time_blocks", "facets")]
    row = sealed(1, source="clinic")
    assert isinstance(appends.append([SealedRequest([row], 0)])[0], KnownIds)
    assert [table(database, name) for name in ("terms", "time_blocks", "facets")] == before


def test_a_facet_has_one_number(appends: AppendStore, database: Database) -> None:
    """Also for a second process, which knows none of the first one's numbers."""
    for number, (store, action) in enumerate([(appends, "a"), (AppendStore(database), "a"), (appends, "b")] * 2):
        store.append([with_facet(number, action)])
    assert [row[1:3] for row in table(database, "facets")] == [("shop", "a"), ("shop", "b")]
    with database.read() as connection:
        facets = connection.exec_driver_sql("SELECT facet FROM entries ORDER BY log_index").scalars().all()
    first, second = facets[0], facets[2]
    assert facets == [first, first, second] * 2
    assert first != second


def test_the_number_of_a_facet_that_was_rolled_back_is_not_believed(
    appends: AppendStore, store: LogStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction fails after the facet was made; another process then takes its number for something else."""

    def fail(self: append_store._Group, size: int) -> None:
        raise ConcurrentUpdate("forced")

    with monkeypatch.context() as patch:
        patch.setattr(append_store._Group, "_advance", fail)
        with pytest.raises(ConcurrentUpdate):
            appends.append([with_facet(1, "a")])
    AppendStore(database).append([with_facet(2, "b")])
    appends.append([with_facet(1, "a")])
    assert [store.entry(index).columns["action"] for index in (0, 1)] == ["b", "a"]


def test_rows_sealed_before_keys_were_withdrawn_are_not_stored(appends: AppendStore, store: LogStore) -> None:
    assert store.key_epoch() == 0
    assert appends.append([SealedRequest([sealed(1)], 0)]) == [Appended(0)]
    assert store.advance_epoch() == 1
    group = [
        SealedRequest([sealed(2)], 0),
        SealedRequest([sealed(3)], 1),
        SealedRequest([NewRow(b"bare")], 0),
        SealedRequest([sealed(4), NewRow(b"x")], 0),
    ]
    assert appends.append(group) == [StaleKeys(1), Appended(1), Appended(2), StaleKeys(1)]
    assert store.state().size == 3


def test_staleness_goes_before_a_retry(appends: AppendStore, store: LogStore) -> None:
    """One by one too, where another request of the group is known already."""
    appends.append([SealedRequest([sealed(1)], 0)])
    store.advance_epoch()
    group = [SealedRequest([sealed(2)], 0), SealedRequest([sealed(1)], 1), SealedRequest([sealed(3)], 1)]
    assert appends.append(group) == [StaleKeys(1), KnownIds({(1).to_bytes(16): 0}), Appended(1)]


def test_an_epoch_that_begins_during_an_append_waits_for_it(database: Database, store: LogStore) -> None:
    """The race is forced: while a group holds the state row, an erasure begins. Whatever the group stores is there
    when the new epoch begins, so the erasure sees it; what comes later is refused."""
    began, order = threading.Event(), []

    def advance() -> None:
        began.set()
        store.advance_epoch()
        order.append("epoch")

    thread = threading.Thread(target=advance)
    with database.write() as connection:
        group = append_store._Group(connection, append_store._Inserts(connection.dialect), FacetNumbers())
        thread.start()
        assert began.wait(10)
        thread.join(0.2)
        assert group.insert_all([SealedRequest([sealed(1)], 0)]) == [Appended(0)]
        order.append("group")
    thread.join(10)
    assert order == ["group", "epoch"]
    assert AppendStore(database).append([SealedRequest([sealed(2)], 0)]) == [StaleKeys(1)]

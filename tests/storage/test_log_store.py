"""State row, leaves and checkpoints: the same contract on SQLite and PostgreSQL."""

from __future__ import annotations

import pytest

from tlog.errors import ConcurrentUpdate, ConfigurationInvalid, NotFound, StorageFault
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.log_store import LogState, LogStore, StoredCheckpoint


def checkpoint(size: int) -> StoredCheckpoint:
    return StoredCheckpoint(size, size.to_bytes(32), b"note %d" % size, 1_000 + size, None)


def test_a_new_log_is_empty_and_made_once(store: LogStore) -> None:
    assert store.state() == LogState("example.com/log", 0, 0, EMPTY_ROOT)
    with pytest.raises(ConfigurationInvalid, match="holds a log already"):
        store.create("example.com/other", EMPTY_ROOT)


def test_missing_leaves_are_never_passed_over(appends: AppendStore, store: LogStore) -> None:
    appends.append([SealedRequest([NewRow(b"a"), NewRow(b"b")], 0)])
    with pytest.raises(StorageFault, match="1 of the leaves"):
        store.leaves(1, 3)


def test_unknown_entries_are_not_found(store: LogStore) -> None:
    with pytest.raises(NotFound):
        store.entry(0)


def test_integration_is_compared_and_swapped(appends: AppendStore, store: LogStore) -> None:
    appends.append([SealedRequest([NewRow(b"a"), NewRow(b"b"), NewRow(b"c")], 0)])
    old = store.state()
    new = store.set_integrated(old, 2, b"r" * 32)
    assert (new.integrated_size, new.integrated_root) == (2, b"r" * 32)
    assert store.state() == new
    with pytest.raises(ConcurrentUpdate):
        store.set_integrated(old, 3, b"s" * 32)
    with pytest.raises(ConcurrentUpdate):
        store.set_integrated(new, 4, b"t" * 32)
    assert store.state() == new


def test_one_size_is_signed_once_and_sizes_only_grow(store: LogStore) -> None:
    assert store.last_signed() is None
    store.add_checkpoint(checkpoint(0))
    store.add_checkpoint(checkpoint(5))
    for size in (0, 3, 5):
        with pytest.raises(ConcurrentUpdate):
            store.add_checkpoint(checkpoint(size))
    assert store.last_signed() == checkpoint(5)
    assert [c.size for c in store.all_checkpoints(page=1)] == [0, 5]


def test_the_time_of_the_first_quorum_stays(store: LogStore) -> None:
    store.add_checkpoint(checkpoint(1))
    assert store.last_witnessed() is None
    store.set_witnessed(1, b"two cosignatures", 2_000)
    store.set_witnessed(1, b"three cosignatures", 3_000)
    witnessed = store.last_witnessed()
    assert witnessed is not None
    assert (witnessed.note, witnessed.witnessed_at) == (b"three cosignatures", 2_000)
    with pytest.raises(StorageFault):
        store.set_witnessed(9, b"", 1)


def test_checkpoints_are_paged_both_ways(store: LogStore) -> None:
    for size in range(6):
        store.add_checkpoint(checkpoint(size))
        if size != 3:
            store.set_witnessed(size, b"w", 1)
    assert [c.size for c in store.checkpoints(limit=3)] == [0, 1, 2]
    assert [c.size for c in store.checkpoints(start=2, limit=2)] == [2, 4]
    assert [c.size for c in store.checkpoints(start=4, limit=3, descending=True)] == [4, 2, 1]
    assert [c.size for c in store.checkpoints(witnessed=False)] == [0, 1, 2, 3, 4, 5]

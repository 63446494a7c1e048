"""The checkpoints next to entries, compared with looking through all of them; the same on SQLite and PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tlog.storage.checkpoints_around import Around, checkpoints_around
from tlog.storage.log_store import LogStore, StoredCheckpoint


def filled(store: LogStore, sizes: Sequence[int], unwitnessed: Sequence[int] = ()) -> list[StoredCheckpoint]:
    for size in sizes:
        store.add_checkpoint(StoredCheckpoint(size, size.to_bytes(32), b"note %d" % size, 1_000 + size, None))
        if size not in unwitnessed:
            store.set_witnessed(size, b"note %d" % size, 2_000 + size)
    return store.checkpoints(limit=10_000)


def looked_through(found: Sequence[StoredCheckpoint], index: int) -> Around:
    before = [checkpoint for checkpoint in found if checkpoint.size <= index]
    covering = [checkpoint for checkpoint in found if checkpoint.size > index]
    return Around(before[-1] if before else None, covering[0] if covering else None)


def test_each_index_has_its_own_two(store: LogStore) -> None:
    witnessed = filled(store, [0, 3, 4, 10, 11, 400, 900], unwitnessed=[11, 900])
    assert [checkpoint.size for checkpoint in witnessed] == [0, 3, 4, 10, 400]
    indices = [*range(600), 2**62]
    random.Random(1).shuffle(indices)
    assert checkpoints_around(store, indices) == {index: looked_through(witnessed, index) for index in indices}


def test_where_there_is_none(store: LogStore) -> None:
    assert checkpoints_around(store, []) == {}
    assert checkpoints_around(store, [0, 7]) == {0: Around(None, None), 7: Around(None, None)}
    [one] = filled(store, [5])
    assert checkpoints_around(store, [4, 5]) == {4: Around(None, one), 5: Around(one, None)}

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tlog.audit.erasure_record import ErasedPart
from tlog.errors import ConcurrentUpdate, StorageFault
from tlog.storage.act_store import Act, ActKind, ActState, ActStore
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.database import Database
from tlog.storage.erasure_store import ErasureStore, Extent, Place
from tlog.storage.log_store import LogStore
from tlog.storage.tables import terms

ANNA, BERT, ACTOR = 7, 8, 9
DIGESTS = b"\x02" + bytes(32)


@pytest.fixture
def erasures(database: Database, appends: AppendStore) -> ErasureStore:
    rows = [row(0, (ANNA,)), row(1, (BERT, ANNA)), row(2, (BERT,)), row(3, (ANNA,), shared=None)]
    appends.append([SealedRequest(rows, 0)])
    return ErasureStore(database)


def row(number: int, subjects: tuple[int, ...], shared: bytes | None = b"\x01shared") -> NewRow:
    columns: dict[str, Any] = {
        "entry_id": number.to_bytes(16),
        "source": "clinic",
        "seq": number,
        "occurred_at": 1,
        "received_at": 100 + number,
        "core": b"\x01core",
        "shared": shared,
    }
    personal = [(part, key_id, b"\x01part") for part, key_id in enumerate((ACTOR, *subjects))]
    found = () if shared is None else (-5, 1000 + number)
    return NewRow(bytes(31) + bytes([number]), columns, personal=personal, terms=found)


def erased(*places: tuple[int, str]) -> list[ErasedPart]:
    return [ErasedPart.of(index, label, DIGESTS) for index, label in places]


ALL = erased((0, "subjects[0]"), (0, "shared"), (1, "subjects[1]"), (1, "shared"), (3, "subjects[0]"))


def begun(database: Database) -> Act:
    return ActStore(database).add(bytes(16), ActKind.ERASURE, ActState.BEGUN, 1, key_id=ANNA)


def stored_terms(database: Database) -> list[tuple[int, int]]:
    with database.read() as connection:
        return sorted(tuple(found) for found in connection.execute(select(terms.c.log_index, terms.c.term)))


def test_places_and_extent(erasures: ErasureStore) -> None:
    assert erasures.places(ANNA) == [Place(0, 1), Place(1, 2), Place(3, 1)]
    assert erasures.extent(ANNA) == Extent(3, 5, 1, 100, 103)
    assert erasures.extent(ACTOR) == Extent(4, 4, 0, 100, 103)
    assert (erasures.places(99), erasures.extent(99)) == ([], Extent())


def test_parts_shared_parts_and_terms_go_together(erasures: ErasureStore, database: Database, store: LogStore) -> None:
    act = erasures.apply(begun(database), ANNA, ALL, entries=3, parts=5, applied_at=9)
    assert (act.state, act.entries, act.parts) == ("applied", 3, 5)
    rows = store.entries_at(range(4))
    assert rows[1].columns["shared"] == DIGESTS
    assert (rows[1].columns["shared_act"], rows[1].columns["terms"]) == (act.act, b"")
    parts = [(part.part, part.key_id, part.ciphertext, part.act) for part in rows[1].personal]
    assert parts == [(0, ACTOR, b"\x01part", None), (1, BERT, b"\x01part", None), (2, None, DIGESTS, act.act)]
    assert rows[2].columns["shared"] == b"\x01shared"
    assert rows[3].columns["shared"] is None
    assert stored_terms(database) == [(2, -5), (2, 1002)]
    assert erasures.places(ANNA) == []
    assert erasures.extent(BERT).parts == 3  # the part of entry 1 and both of entry 2: the shared one is gone


def test_nothing_is_left_without_digests(erasures: ErasureStore, database: Database, store: LogStore) -> None:
    """A part that was not prepared: the key must not be destroyed over it, so nothing happens at all."""
    act = begun(database)
    with pytest.raises(StorageFault, match="1 sealed parts"):
        erasures.apply(act, ANNA, ALL[:-1])
    assert ActStore(database).get(bytes(16)) == act
    assert len(erasures.places(ANNA)) == 3
    assert store.entry(0).columns["shared"] == b"\x01shared"
    assert len(stored_terms(database)) == 6


def test_done_again_it_changes_nothing(erasures: ErasureStore, database: Database, store: LogStore) -> None:
    act = erasures.apply(begun(database), ANNA, ALL)
    before = store.entries_at(range(4))
    other = [ErasedPart.of(part.index, part.label, b"\x02" + bytes([1] * 32)) for part in ALL]
    assert erasures.apply(act, ANNA, other) == act
    assert store.entries_at(range(4)) == before


def test_entries_that_are_not_here_are_left_out(erasures: ErasureStore, database: Database, store: LogStore) -> None:
    erasures.apply(begun(database), ANNA, [*ALL, *erased((99, "subjects[0]"), (99, "shared"))])
    assert 99 not in store.entries_at([99])


def test_an_act_in_another_state_changes_nothing(erasures: ErasureStore, database: Database) -> None:
    act = begun(database)
    ActStore(database).move(act, ActState.REFUSED)
    with pytest.raises(ConcurrentUpdate):
        erasures.apply(act, ANNA, ALL)
    assert len(erasures.places(ANNA)) == 3


def test_a_part_of_somebody_else_is_found_before_anything_is_changed(
    erasures: ErasureStore, database: Database
) -> None:
    erasures.require_under(ANNA, ALL)
    for key_id, part in ((ANNA + 100, (0, "subjects[0]")), (ANNA, (1, "subjects[0]")), (ANNA, (2, "actor"))):
        with pytest.raises(StorageFault, match=rf"entry {part[0]} that is sealed under another key"):
            erasures.require_under(key_id, erased(part))
    erasures.apply(begun(database), ANNA, ALL)
    erasures.require_under(ANNA + 100, ALL)  # what is erased lies under no key
    erasures.require_under(ANNA, erased((99, "actor"), (0, "shared"), (0, "subjects[7]")))

from __future__ import annotations

import pytest

from tlog.errors import ConcurrentUpdate, NotFound
from tlog.storage.act_store import OPEN, UNFINISHED, ActKind, ActState, ActStore
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.database import Database


@pytest.fixture
def acts(database: Database) -> ActStore:
    return ActStore(database)


def act_id(number: int) -> bytes:
    return number.to_bytes(16)


def test_an_act_is_found_by_its_id_and_number(acts: ActStore) -> None:
    act = acts.add(act_id(1), ActKind.ERASURE, ActState.BEGUN, 17, key_id=5, payload=b"sealed")
    assert acts.get(act_id(1)) == act
    assert acts.by_number([act.act, 99]) == {act.act: act}
    assert (act.kind, act.state, act.requested_at, act.key_id, act.payload) == ("erasure", "begun", 17, 5, b"sealed")
    assert acts.find(act_id(2)) is None
    with pytest.raises(NotFound):
        acts.get(act_id(2))


def test_a_state_is_compared_and_swapped(acts: ActStore) -> None:
    begun = acts.add(act_id(1), ActKind.ERASURE, ActState.BEGUN, 17)
    applied = acts.move(begun, ActState.APPLIED, entries=3, parts=4, applied_at=18)
    assert (applied.state, applied.entries, applied.parts, applied.applied_at) == ("applied", 3, 4, 18)
    with pytest.raises(ConcurrentUpdate):
        acts.move(begun, ActState.REFUSED)
    assert acts.get(act_id(1)) == applied


def test_acts_by_state_oldest_first(acts: ActStore) -> None:
    states = (ActState.PENDING, ActState.BEGUN, ActState.DONE, ActState.APPLIED, ActState.DECLINED)
    for number, state in enumerate(states):
        kind = ActKind.EXPIRY if state is ActState.APPLIED else ActKind.ERASURE
        acts.add(act_id(number), kind, state, number)
    assert [act.state for act in acts.in_states(OPEN)] == ["pending", "begun", "applied"]
    assert [act.state for act in acts.in_states(OPEN, ActKind.ERASURE)] == ["pending", "begun"]
    assert [act.state for act in acts.in_states(UNFINISHED)] == ["begun", "applied"]


def test_pages_newest_first(acts: ActStore) -> None:
    numbers = [acts.add(act_id(n), ActKind.ERASURE, ActState.DONE, n).act for n in range(5)]
    acts.add(act_id(9), ActKind.HOLD, ActState.DONE, 9)
    first = acts.newest(ActKind.ERASURE, 3)
    assert [act.act for act in first] == numbers[:1:-1]
    assert [act.act for act in acts.newest(ActKind.ERASURE, 3, first[-1].act)] == numbers[1::-1]
    acts.add(act_id(10), ActKind.EXPIRY, ActState.PENDING, 10)
    assert [act.kind for act in acts.newest(None, 3)] == ["expiry", "hold", "erasure"]
    assert [act.kind for act in acts.newest(None, 9, state=ActState.PENDING)] == ["expiry"]
    assert acts.newest(ActKind.ERASURE, 9, state=ActState.PENDING) == []
    assert [act.act for act in acts.newest(None, 9, numbers[1], ActState.DONE)] == numbers[:1]


def test_the_next_number_of_a_source(acts: ActStore, appends: AppendStore) -> None:
    assert acts.next_seq("tlog") == 0
    columns = {"entry_id": act_id(1), "source": "tlog", "seq": 41, "occurred_at": 1, "received_at": 1, "core": b"\x01"}
    appends.append([SealedRequest([NewRow(bytes(32), columns | {"shared": None})], 0)])
    assert acts.next_seq("tlog") == 42
    assert acts.next_seq("clinic") == 0

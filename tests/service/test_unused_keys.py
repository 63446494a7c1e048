"""Of a request of which nothing was stored no person's key stays, and nothing that is used ever goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NewUrl
from tests.service.test_erasure import ANNA, BERT, about, append, asked, dpo, erasures, hold_next_append, opened, urls
from tests.support import MadeLog, running_log
from tlog.errors import Conflict, LogHalted
from tlog.keys.keyring import actor_identity
from tlog.service import unused_keys
from tlog.service.hold_acts import HoldRequest
from tlog.service.settings import LogSettings
from tlog.storage.hold_store import HoldKind

ID = "019a52c8-2f64-7d1c-a3b8-000000000001"
LARGE = 200  # entries: over the size that goes to a sealing process


@pytest.fixture
async def made(tmp_path: Path, new_url: NewUrl) -> AsyncIterator[MadeLog]:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=1)
    async with running_log(tmp_path / "log", settings=settings, urls=urls(new_url)) as made:
        yield made


def key_of(made: MadeLog, subject: str) -> int | None:
    return made.parts.keyring.find_person("subject", subject)


def keys(made: MadeLog) -> int:
    return len(made.parts.keyring.person_key_ids(-1, 10_000))


async def settle(made: MadeLog) -> None:
    """Wait until what is noted is dealt with."""
    if (task := made.log._unused._task) is not None:
        await asyncio.wait_for(asyncio.shield(task), 20)


async def refuse(made: MadeLog, *documents: dict[str, Any]) -> None:
    """Append entries after one whose `seq` is taken: 409."""
    taken = about("somebody", seq=77)
    if made.log.store.state().size == 0:
        await append(made, taken)
    with pytest.raises(Conflict):
        await append(made, about("somebody", seq=77), *documents)


@pytest.mark.parametrize("count", [1, LARGE])
async def test_a_refused_request_leaves_no_key_of_a_person(count: int, made: MadeLog) -> None:
    await append(made, about(BERT.id, seq=77))
    before, kept = keys(made), key_of(made, BERT.id)
    await refuse(made, *(about(f"ghost-{i}", BERT.id, actor={"type": "x", "id": f"{i}"}) for i in range(count)))
    assert keys(made) > before
    await settle(made)
    assert (keys(made), key_of(made, BERT.id)) == (before, kept)
    assert made.log._sealing.epoch == made.log.store.key_epoch() == 1
    [index] = await append(made, about("ghost-0"))
    assert opened(made, index).entry["subjects"][0]["id"] == "ghost-0"


@pytest.mark.parametrize("count", [1, LARGE])
async def test_a_retry_does_not_bring_back_whom_an_erasure_forgot(count: int, made: MadeLog) -> None:
    documents = [about(ANNA.id, id=ID[:-3] + f"{i:03x}") for i in range(count)]
    first = await append(made, *documents)
    await erasures(made).request(asked(), dpo(made))
    before = keys(made)
    assert await append(made, *documents) == first
    await settle(made)
    assert (key_of(made, ANNA.id), keys(made)) == (None, before)


async def test_what_is_new_in_a_partial_retry_keeps_its_keys(made: MadeLog) -> None:
    old = about(ANNA.id, id=ID)
    await append(made, old)
    await erasures(made).request(asked(), dpo(made))
    _, index = await append(made, old, about("new-person"))
    await settle(made)
    assert key_of(made, ANNA.id) is None
    assert opened(made, index).entry["subjects"][0]["id"] == "new-person"
    assert made.log.entries.stored(index).personal[1].key_id == key_of(made, "new-person")


async def test_another_content_under_a_known_id_leaves_no_key(made: MadeLog) -> None:
    await append(made, about(BERT.id, id=ID))
    before = keys(made)
    with pytest.raises(Conflict, match="other content"):
        await append(made, about(ANNA.id, id=ID))
    await settle(made)
    assert (key_of(made, ANNA.id), keys(made)) == (None, before)


async def test_who_was_sealed_under_a_key_that_goes_is_sealed_again(made: MadeLog) -> None:
    """The race: another request is sealed under the key, the key goes, and only then the other comes to be stored."""
    await append(made, about("somebody", seq=77))
    async with made.log.acts.lock:  # so that the key is there for the other request
        await refuse(made, about(ANNA.id))
        old = key_of(made, ANNA.id)
        release = await hold_next_append(made)
        late = asyncio.create_task(append(made, about(ANNA.id)))
        await release.sealed.wait()
    await settle(made)
    assert key_of(made, ANNA.id) is None
    release.go.set()
    [index] = await late
    assert made.log.entries.stored(index).personal[1].key_id == key_of(made, ANNA.id) != old
    assert opened(made, index).entry["subjects"][0]["id"] == ANNA.id


async def test_what_another_request_stored_under_it_keeps_the_key(made: MadeLog) -> None:
    await append(made, about("somebody", seq=77))
    async with made.log.acts.lock:
        await refuse(made, about(ANNA.id), about("ghost"))
        old = key_of(made, ANNA.id)
        [index] = await append(made, about(ANNA.id))
        assert made.log.entries.stored(index).personal[1].key_id == old
    await settle(made)
    assert (key_of(made, ANNA.id), key_of(made, "ghost")) == (old, None)
    assert opened(made, index).entry["subjects"][0]["id"] == ANNA.id


async def test_a_hold_that_found_the_key_keeps_it(made: MadeLog) -> None:
    await append(made, about("somebody", seq=77))
    assert made.log.holds is not None
    asked_for = HoldRequest(HoldKind.LEGAL, "C-1", "claim", "Dana Officer", subject=ANNA.id)
    async with made.log.acts.lock:
        placing = asyncio.create_task(made.log.holds.place(asked_for, dpo(made)))
        await asyncio.sleep(0)  # it waits for the lock, before what forgets keys does
        await refuse(made, about(ANNA.id), about("ghost"))
        old = key_of(made, ANNA.id)
    hold = await placing
    await settle(made)
    assert hold.key_id == old == key_of(made, ANNA.id)
    assert key_of(made, "ghost") is None


async def test_a_key_that_was_there_before_is_never_looked_at(made: MadeLog) -> None:
    """Nothing uses it as far as this database knows; but who knows whether it is the newest one."""
    await append(made, about("somebody", seq=77))
    before = await asyncio.to_thread(made.parts.keyring.need_person, "subject", ANNA.id)
    await refuse(made, about(ANNA.id))
    await settle(made)
    assert key_of(made, ANNA.id) == before


async def test_a_halted_log_destroys_nothing(made: MadeLog) -> None:
    await append(made, about("somebody", seq=77))
    made.log.acts.refusal = lambda: LogHalted("rolled back")
    await refuse(made, about(ANNA.id))
    await settle(made)
    assert key_of(made, ANNA.id) is not None
    assert made.log._unused._noted == {}


async def test_refused_requests_cost_others_a_sealing_once_in_a_while_and_the_end_waits_for_nothing(
    tmp_path: Path, new_url: NewUrl
) -> None:
    databases = urls(new_url)
    async with running_log(tmp_path / "log", urls=databases) as made:
        await append(made, about("somebody", seq=77))
        await refuse(made, about("ghost-1"))
        async with asyncio.timeout(20):
            while made.log.store.key_epoch() == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        for number in range(2, 6):
            await refuse(made, about(f"ghost-{number}"))
            await append(made, about(BERT.id))
        assert made.log.store.key_epoch() == 1
        assert key_of(made, "ghost-5") is not None
    async with running_log(tmp_path / "log", urls=databases) as made:
        assert [key_of(made, f"ghost-{number}") for number in range(1, 6)] == [None] * 5
        assert key_of(made, BERT.id) is not None
        assert made.parts.keyring.find_person("actor", actor_identity("employee", "e-1007")) is not None


async def test_many_go_in_batches(made: MadeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unused_keys, "BATCH", 3)
    monkeypatch.setattr(unused_keys, "INTERVAL_SECONDS", 0.01)
    await append(made, about("somebody", seq=77))
    before = keys(made)
    await refuse(made, *(about(f"ghost-{i}") for i in range(7)))
    await settle(made)
    assert (keys(made), made.log.store.key_epoch()) == (before, 3)

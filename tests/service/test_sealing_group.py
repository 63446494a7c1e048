"""Small requests sealed together: what they share, and what they must not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support import append_request, entry_document, make_parts
from tlog.audit.entry import NDJSON, Entry
from tlog.errors import EntryInvalid, Forbidden, Unavailable
from tlog.keys.keyring import AssignedKeys
from tlog.service.intake import AppendRequest
from tlog.service.sealer import Sealer
from tlog.service.sealing_group import GROUP_BYTES, SealingGroup
from tlog.storage.append_store import SealedRequest


class HeldSealer(Sealer):
    """A real sealer that records its groups, by entries; every group waits until `free` is set.

    The entries with a `seq` in `fails` can't be sealed; with `away`, no keys can be had.
    """

    began: threading.Event
    free: threading.Event
    groups: list[int]
    fails: set[int]
    away = False

    def seal_requests(self, requests: Sequence[Sequence[Entry]], epoch: int = 0) -> list[SealedRequest | Exception]:
        self.groups.append(sum(map(len, requests)))
        self.began.set()
        assert self.free.wait(20)
        if self.away:
            raise Unavailable("the keyring is away")
        return super().seal_requests(requests, epoch)

    def _seal(
        self, entries: Sequence[Entry], assigned: Sequence[AssignedKeys], received_at: int, epoch: int
    ) -> SealedRequest:
        if entries[0].seq in self.fails:
            raise Unavailable(f"no key for {entries[0].seq}")
        return super()._seal(entries, assigned, received_at, epoch)


@pytest.fixture
def sealer(tmp_path: Path) -> Iterator[HeldSealer]:
    parts, keyring_database = make_parts(tmp_path)
    made = HeldSealer(parts.keyring, parts.now, parts.random)
    made.began, made.free = threading.Event(), threading.Event()
    made.groups, made.fails = [], set()
    yield made
    parts.database.close()
    keyring_database.close()


def one(**fields: object) -> AppendRequest:
    return AppendRequest(json.dumps(entry_document(**fields)).encode(), NDJSON, frozenset({"clinic"}))


async def held(group: SealingGroup, sealer: HeldSealer) -> asyncio.Task[SealedRequest]:
    """Start one request and return when its group is in the thread and waits there."""
    first = asyncio.create_task(group.seal(one(seq=1_000_000)))
    assert await asyncio.to_thread(sealer.began.wait, 20)
    return first


async def test_what_arrives_meanwhile_is_one_group(sealer: HeldSealer) -> None:
    group = SealingGroup(sealer)
    first = await held(group, sealer)
    more = [asyncio.create_task(group.seal(append_request(n))) for n in (1, 3, 2)]
    await asyncio.sleep(0)
    sealer.free.set()
    assert [len(sealed.rows) for sealed in await asyncio.gather(first, *more)] == [1, 1, 3, 2]
    assert sealer.groups == [1, 6]


async def test_a_bad_request_is_refused_alone(sealer: HeldSealer) -> None:
    group = SealingGroup(sealer)
    first = await held(group, sealer)
    requests = [
        one(seq=5),
        one(outcome="maybe"),
        one(source="shop"),
        AppendRequest(b"{", NDJSON, frozenset({"clinic"})),
        one(seq=6),
    ]
    tasks = [asyncio.create_task(group.seal(request)) for request in requests]
    await asyncio.sleep(0)
    sealer.free.set()
    await first
    good, *bad, last = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in bad] == [EntryInvalid, Forbidden, EntryInvalid]
    assert isinstance(good, SealedRequest)
    assert isinstance(last, SealedRequest)
    assert [row.columns["seq"] for row in (*good.rows, *last.rows)] == [5, 6]
    assert sealer.groups == [1, 2]


async def test_a_request_that_cannot_be_sealed_does_not_cost_the_others_theirs(sealer: HeldSealer) -> None:
    sealer.free.set()
    sealer.fails = {7}
    group = SealingGroup(sealer)
    tasks = [asyncio.create_task(group.seal(one(seq=seq))) for seq in (6, 7, 8)]
    six, seven, eight = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(six, SealedRequest)
    assert isinstance(eight, SealedRequest)
    assert str(seven) == "no key for 7"


async def test_without_keys_all_are_told_but_those_refused_already(sealer: HeldSealer) -> None:
    sealer.free.set()
    sealer.away = True
    group = SealingGroup(sealer)
    requests = [one(seq=1), one(outcome="maybe"), one(seq=2)]
    refused = await asyncio.gather(*map(group.seal, requests), return_exceptions=True)
    assert [type(error) for error in refused] == [Unavailable, EntryInvalid, Unavailable]


async def test_each_entry_is_sealed_under_its_own_persons_keys(sealer: HeldSealer) -> None:
    sealer.free.set()
    group = SealingGroup(sealer)
    people = ["p-1", "p-2", "p-1"]
    rows = await asyncio.gather(*(group.seal(one(subjects=[{"id": person}])) for person in people))
    first, second, third = (row.personal[1][1] for (row,), *_ in rows)
    assert first == third != second


async def test_a_caller_who_goes_away_costs_nothing(sealer: HeldSealer) -> None:
    group = SealingGroup(sealer)
    first = await held(group, sealer)
    gone, stays = (asyncio.create_task(group.seal(one(seq=seq))) for seq in (11, 12))
    await asyncio.sleep(0)
    for task in (first, gone):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    sealer.free.set()
    assert [row.columns["seq"] for row in (await stays).rows] == [12]
    assert sealer.groups == [1, 1]
    assert [row.columns["seq"] for row in (await group.seal(one(seq=13))).rows] == [13]


async def test_a_group_is_bounded_in_bytes(sealer: HeldSealer) -> None:
    group = SealingGroup(sealer)
    first = await held(group, sealer)
    large = one(details={"text": "x" * 30_000})
    fit = GROUP_BYTES // len(large.body)
    tasks = [asyncio.create_task(group.seal(one(details={"text": "x" * 30_000}))) for _ in range(fit + 2)]
    await asyncio.sleep(0)
    sealer.free.set()
    await asyncio.gather(first, *tasks)
    assert sealer.groups == [1, fit, 2]

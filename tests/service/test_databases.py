"""The whole service on every database: append, retry, publish, restart, read back, audit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conftest import NewUrl
from tests.support import append_request, make_parts, running_log
from tlog.client.verifier import OfflineVerifier
from tlog.errors import ConcurrentUpdate, Conflict, LogHalted
from tlog.service.fsck.run import fsck
from tlog.service.integrator import Integrator
from tlog.service.settings import LogSettings
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.log_store import LogStore

BATCHES = 6


@pytest.fixture
def urls(new_url: NewUrl) -> tuple[str, str]:
    return new_url(), new_url()


@pytest.mark.parametrize("processes", [0, 1])
async def test_a_log_lives_through_a_restart(processes: int, urls: tuple[str, str], tmp_path: Path) -> None:
    settings = LogSettings(checkpoint_interval=0.02, sealing_processes=processes)
    requests = [append_request(100) for _ in range(BATCHES)]
    async with running_log(tmp_path, settings=settings, urls=urls) as made:
        placed = await asyncio.gather(*(made.log.appender.append(request) for request in requests))
        assert sorted(p.index for places in placed for p in places) == list(range(100 * BATCHES))
    async with running_log(tmp_path, settings=settings, urls=urls) as made:
        with pytest.raises(Conflict):  # The same numbers under new ids.
            await made.log.appender.append(requests[0])
        last = await made.log.appender.append(append_request(1))
        await asyncio.wait_for(made.log.wait("witnessed", last[0].index + 1), 10)
        for index in (0, 255, 256, last[0].index):
            proof = await asyncio.to_thread(made.log.proofs.tlog_proof, index)
            OfflineVerifier(made.log.policy).verify(proof.encode())
        opened = made.log.entries.opened(made.log.entries.stored(placed[2][7].index))
        assert opened.entry["id"] == placed[2][7].id
    parts, keyring_database = make_parts(tmp_path, urls=urls)
    report = fsck(parts, lambda *_: None)
    parts.database.close()
    keyring_database.close()
    assert report.problems == []
    assert report.entries_opened == 100 * BATCHES + 1


async def test_two_logs_on_one_database_never_share_an_index_and_one_halts(
    urls: tuple[str, str], tmp_path: Path
) -> None:
    """Nobody should start two; if somebody does, the state row decides, and one history remains."""
    async with running_log(tmp_path, urls=urls) as first, running_log(tmp_path, urls=urls) as second:
        indices: list[int] = []
        for made in (first, second) * 8:
            try:
                indices += [p.index for p in await made.log.appender.append(append_request(3))]
            except LogHalted:
                continue
            await asyncio.sleep(0.03)
        assert len(set(indices)) == len(indices)
        assert first.log.publisher.halted != second.log.publisher.halted
        store = LogStore(first.parts.database)
        sizes = [checkpoint.size for checkpoint in store.all_checkpoints()]
        assert sizes == sorted(set(sizes))


def test_a_second_integrator_loses_the_comparison(urls: tuple[str, str], tmp_path: Path) -> None:
    parts, keyring_database = make_parts(tmp_path, urls=urls)
    store = LogStore(parts.database)
    first, second = Integrator(store, parts.tiles), Integrator(store, parts.tiles)
    AppendStore(parts.database).append([SealedRequest([NewRow(b"a")], 0)])
    first.integrate()
    with pytest.raises(ConcurrentUpdate):
        second.integrate()
    assert second.integrate().integrated_size == 1
    parts.database.close()
    keyring_database.close()

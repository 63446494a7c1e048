from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

from tests.service.test_erasure import append, dpo, opened, settings
from tests.support import MadeLog, entry_document, running_log
from tlog.service.acts import new_act_id
from tlog.service.own_entries import SERVICE


async def log(made: MadeLog, act_id: bytes, details: dict[str, object] | None = None) -> int:
    own = made.log.acts.own
    return await own.log(act_id, SERVICE, "tlog.test", "allowed", details or {}, purpose="a test")


async def test_an_act_is_logged_once_however_often_it_is_repeated(tmp_path: Path) -> None:
    act_id = new_act_id()
    async with running_log(tmp_path, settings=settings()) as made:
        await append(made, entry_document())
        first = await log(made, act_id, {"entries": 3})
        assert await log(made, act_id, {"entries": 4}) == first == 1
    async with running_log(tmp_path, settings=settings()) as made:
        assert await log(made, act_id) == 1
        entry = opened(made, 1).entry
        assert (entry["source"], entry["seq"], entry["details"]) == ("tlog", 0, {"entries": 3})
        assert entry["actor"] == {"type": "service", "id": "tlog"}


async def test_numbers_have_no_gaps_whoever_logs_at_once_and_after_a_restart(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings()) as made:
        await asyncio.gather(*(log(made, new_act_id()) for _ in range(8)))
    async with running_log(tmp_path, settings=settings()) as made:
        await log(made, new_act_id())
        assert sorted(opened(made, index).entry["seq"] for index in range(9)) == list(range(9))


async def test_the_token_and_who_authorised_it_are_the_actor(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings()) as made:
        actor = dpo(made).actor("Dana Officer")
        index = await made.log.acts.own.log(new_act_id(), actor, "tlog.test", "denied", {}, purpose="a test")
        assert opened(made, index).entry["actor"] == {"type": "token", "id": "dana", "name": "Dana Officer"}


async def test_an_id_that_a_source_took_keeps_no_act_out_of_the_log(tmp_path: Path) -> None:
    act_id = new_act_id()
    async with running_log(tmp_path, settings=settings()) as made:
        await append(made, entry_document(id=str(UUID(bytes=act_id))))
        index = await log(made, act_id, {"entries": 3})
        assert (index, opened(made, index).entry["source"]) == (1, "tlog")
        assert await log(made, act_id) == index
    async with running_log(tmp_path, settings=settings()) as made:
        assert await log(made, act_id) == index

"""Expiry of cohorts, end to end, on both back ends, with a clock that moves by years."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NewUrl
from tests.service.expired import (
    CLASSES,
    Clock,
    HeldHere,
    expired,
    expiries,
    expiry,
    kept_log,
    require_clean,
    require_proofs,
    retention,
    run_due,
)
from tests.service.test_erasure import about, append, dpo, hold_next_append, opened, settings, urls
from tests.storage.test_scrub import reader
from tests.support import MadeLog, make_log
from tlog.audit.opened import OpenedEntry
from tlog.errors import ClockBehind, DecryptionFailed, EntryInvalid, Expired
from tlog.keys.keyring import actor_identity
from tlog.service.lookup_filters import Filters
from tlog.storage.keyring_store import KeyringStore

JANUARY, FEBRUARY = (2026, 2, 1), (2026, 3, 1)
"""When entries of class `standard` of these months of 2025 expire."""


async def test_cohorts_expire_when_their_time_is_over_and_not_before(tmp_path: Path, new_url: NewUrl) -> None:
    clock, databases = Clock(), urls(new_url)
    async with kept_log(tmp_path, clock, urls=databases) as made:
        [first] = await append(made, about("p-1"))
        [brief] = await append(made, about("p-2", retention="short"))
        clock.on(2025, 2, 28)
        [second] = await append(made, about("p-3"))
        assert await run_due(made) == []
        clock.on(2025, 3, 1)
        assert await run_due(made) == ["short/2025-01"]
        assert expired(made) == {brief}
        clock.on(*JANUARY)
        clock.moment -= 1
        assert await run_due(made) == []
        clock.moment += 1
        assert await run_due(made) == ["standard/2025-01"]
        assert expired(made) == {first, brief}
        assert opened(made, second).entry["subjects"][0]["id"] == "p-3"
        clock.on(2026, 3)
        assert await run_due(made) == ["standard/2025-02"]
        assert await run_due(made) == []
        await require_proofs(made)
    require_clean(tmp_path, clock, databases)


async def test_an_expired_entry_names_the_act_that_its_own_entry_logs(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock) as made:
        [index, *_] = await append(made, about("p-1"), about("p-2"))
        clock.on(2026, 2)
        await run_due(made)
        [act] = expiries(made)
        with pytest.raises(Expired) as caught:
            opened(made, index)
        assert caught.value.act == act.act
        assert (act.entries, act.applied_at, act.requested_by) == (2, clock(), None)
        entry = opened(made, act.entry_index or 0).entry
        assert (entry["source"], entry["action"], entry["outcome"]) == ("tlog", "tlog.expiry", "allowed")
        assert entry["actor"] == {"type": "service", "id": "tlog"}
        assert entry["details"] == {"act": entry["id"], "cohort": "standard/2025-01", "entries": 2, "held": 0}


async def test_the_logs_own_entries_expire_too(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock) as made:
        await append(made, about("p-1"))
        clock.on(2026, 2)
        await run_due(made)
        clock.on(2027, 3)
        assert await run_due(made) == ["standard/2026-02"]
        assert expired(made) == {0, 1}
        assert opened(made, 2).entry["seq"] > 0  # never one that was used before


async def test_persons_of_whom_nothing_is_left_are_forgotten_and_others_are_not(
    tmp_path: Path, new_url: NewUrl
) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, urls=urls(new_url)) as made:
        keyring = made.parts.keyring
        await append(made, about("gone"), about("stays"))
        clock.on(2025, 2)
        [later] = await append(made, about("stays"))
        stays = keyring.find_person("subject", "stays")
        clock.on(2026, 2)
        await run_due(made)
        assert keyring.find_person("subject", "gone") is None
        assert keyring.find_person("subject", "stays") == stays
        assert keyring.find_person("actor", actor_identity("employee", "e-1007")) is not None
        assert len(keyring.person_key_ids(-1, 100)) == 3  # stays, the employee, the log itself
        assert found(made, subject="stays") == [later]
        [again] = await append(made, about("gone"))
        assert found(made, subject="gone") == [again]
        assert opened(made, later).erased == ()


def found(made: MadeLog, **filters: Any) -> list[int]:
    return [match.stored.index for match in made.log.lookup.page(Filters(**filters), None, 50).entries]

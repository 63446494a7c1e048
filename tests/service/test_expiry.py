"""Expiry of cohorts, end to end, on both back ends, with a clock that moves by years."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NewUrl
from tests.service.expired import (
    Clock,
    expired,
    expiries,
    kept_log,
    require_clean,
    require_proofs,
    run_due,
)
from tests.service.readable import readable_parts
from tests.service.test_erasure import about, append, hold_next_append, opened, settings, urls
from tests.service.traces import entry_traces, files_of, key_traces, require_cleaned, table_files
from tests.service.traces import found as found_in
from tests.support import MadeLog, make_log
from tlog.errors import ClockBehind, DecryptionFailed, EntryInvalid, Expired
from tlog.keys.keyring import actor_identity
from tlog.service.entries import stored_cohort
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


async def test_nothing_of_it_is_left_in_any_file_nor_readable_in_a_copy(
    tmp_path: Path, new_url: NewUrl, request: pytest.FixtureRequest
) -> None:
    """What is destroyed: ids, hashes and wrapped keys; on SQLite the sealed parts too, PostgreSQL keeps dead rows'
    bytes until their place is needed. A row from before has lost its keys."""
    clock = Clock()
    async with kept_log(tmp_path / "log", clock, urls=urls(new_url)) as made:
        content, database = files_of(made, request), made.parts.database
        indices = await append(made, *(about(f"person-{i}", targets=TARGETS) for i in range(300)))
        rows = list(made.log.store.entries_at(indices).values())
        [cohort] = KeyringStore(made.keyring_database).cohorts(["standard/2025-01"]).values()
        keys, parts = key_traces(made, "subject", "person-0") | {"the cohort's key": cohort}, entry_traces(rows)
        assert found_in(keys | parts, content()) == list(keys | parts), "nothing to look for"
        assert all(len(readable_parts(row, made.parts.keyring)) == 4 for row in rows)
        tables = {} if database.is_sqlite else table_files(database)
        clock.on(2026, 2)
        assert await run_due(made) == ["standard/2025-01"]
        clear = {"a subject": b"person-0", "the target": b"target-marker"}
        assert found_in(keys | clear | (parts if database.is_sqlite else {}), content()) == []
        assert all(readable_parts(row, made.parts.keyring) == [] for row in rows)
        assert made.parts.keyring.cohort_keys(["standard/2025-01"]) == {}
        assert (
            set(made.parts.keyring.person_keys([p.key_id for row in rows for p in row.personal if p.key_id])) == set()
        )
        if not database.is_sqlite:
            require_cleaned(database, tables, small=["acts", "time_blocks"])


TARGETS = [{"type": "record", "id": "target-marker"}]


async def test_a_copy_of_the_log_from_before_is_unreadable_with_the_keyring_of_today(tmp_path: Path) -> None:
    """Though `p-1` and the actor keep their keys, which live entries need: the cohort's is gone, so is every part."""
    clock, copy = Clock(), tmp_path / "copy"
    async with kept_log(tmp_path / "log", clock) as made:
        indices = await append(made, about("p-1"), about("p-2"))
        clock.on(2025, 2)
        [live] = await append(made, about("p-1"))
        rows = [made.log.entries.stored(index) for index in indices]
        assert [readable_parts(row, made.parts.keyring) for row in rows] == [PARTS, PARTS]
    shutil.copytree(tmp_path / "log", copy)
    async with kept_log(tmp_path / "log", clock) as made:
        clock.on(2026, 2)
        await run_due(made)
    shutil.copy(tmp_path / "log" / "keyring.db", copy / "keyring.db")
    stolen = make_log(copy, now=clock, settings=settings())
    rows = [stolen.log.entries.stored(index) for index in indices]
    assert all(isinstance(outcome, DecryptionFailed) for outcome in stolen.log.entries.open_all(rows))
    assert [readable_parts(row, stolen.parts.keyring) for row in rows] == [[], []]
    assert readable_parts(stolen.log.entries.stored(live), stolen.parts.keyring) == PARTS
    stolen.close()


PARTS = ["core", "actor", "subjects[0]", "shared"]


async def test_an_append_sealed_in_a_cohort_that_expires_meanwhile_is_sealed_again_in_a_living_one(
    tmp_path: Path, new_url: NewUrl
) -> None:
    """The race, where nobody is forgotten: everybody in the cohort has entries that live on."""
    clock = Clock()
    async with kept_log(tmp_path, clock, urls=urls(new_url)) as made:
        await append(made, about("p-1"))
        release = await hold_next_append(made)
        late = asyncio.get_running_loop().create_task(append(made, about("p-1")))
        await release.sealed.wait()
        clock.on(2025, 2)
        await append(made, about("p-1"))
        persons = made.parts.keyring.person_key_ids(-1, 100)
        clock.on(2026, 2)
        assert await run_due(made) == ["standard/2025-01"]
        assert set(persons) <= set(made.parts.keyring.person_key_ids(-1, 100)), "somebody was forgotten"
        release.go.set()
        [index] = await late
        assert stored_cohort(made.log.entries.stored(index)) == "standard/2026-02"
        assert opened(made, index).entry["subjects"][0]["id"] == "p-1"


async def test_an_append_that_was_sealed_before_its_persons_were_forgotten_is_sealed_again(
    tmp_path: Path, new_url: NewUrl
) -> None:
    """The race: sealed under a person's key, the key is destroyed, and only then does it reach the database."""
    clock = Clock()
    async with kept_log(tmp_path, clock, urls=urls(new_url)) as made:
        await append(made, about("p-1"))
        old = made.parts.keyring.find_person("subject", "p-1")
        clock.on(2026, 2)
        release = await hold_next_append(made)
        late = asyncio.get_running_loop().create_task(append(made, about("p-1")))
        await release.sealed.wait()
        assert await run_due(made) == ["standard/2025-01"]
        assert made.parts.keyring.person_keys([old or 0]) == {}
        release.go.set()
        [index] = await late
        assert opened(made, index).entry["subjects"][0]["id"] == "p-1"
        assert made.log.entries.stored(index).personal[1].key_id not in {old, None}
        assert found(made, subject="p-1") == [index]


async def test_an_append_that_was_sealed_in_an_expired_cohort_is_refused(tmp_path: Path, new_url: NewUrl) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock, urls=urls(new_url)) as made:
        await append(made, about("p-1"))
        release = await hold_next_append(made)
        late = asyncio.get_running_loop().create_task(append(made, about("p-1")))
        await release.sealed.wait()
        clock.on(2026, 2)
        assert await run_due(made) == ["standard/2025-01"]
        clock.on(2025, 1)
        release.go.set()
        with pytest.raises(ClockBehind, match="standard/2025-01 has expired"):
            await late
        clock.on(2026, 2)
        [index] = await append(made, about("p-1"))
        assert opened(made, index).erased == ()


async def test_a_clock_in_an_expired_month_harms_nothing_else(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_log(tmp_path, clock) as made:
        [first] = await append(made, about("p-1"))
        clock.on(2026, 2)
        await run_due(made)
        size = made.log.store.state().size
        clock.on(2025, 1)
        with pytest.raises(ClockBehind):
            await append(made, about("p-1"))
        assert await run_due(made) == []
        clock.on(2025, 6)  # wrong as well, but nothing of that month has expired
        [other] = await append(made, about("p-1"))
        clock.on(2026, 2)
        [last] = await append(made, about("p-1"))
        assert (size, other, last) == (2, 2, 3)
        assert expired(made) == {first}
        await require_proofs(made)
    require_clean(tmp_path, clock)


async def test_a_class_without_a_period_is_refused_and_every_such_entry_named(tmp_path: Path) -> None:
    async with kept_log(tmp_path, Clock()) as made:
        with pytest.raises(EntryInvalid) as caught:
            await append(made, about("a", retention="long"), about("b"), about("c", retention="forever"))
        assert [fault.path for fault in caught.value.faults] == ["[0].retention", "[2].retention"]
        assert all("short, standard" in fault.message for fault in caught.value.faults)
        assert made.log.store.state().size == 0
    async with kept_log(tmp_path, Clock(), retention={}) as made:
        assert await append(made, about("a", retention="long")) == [0]

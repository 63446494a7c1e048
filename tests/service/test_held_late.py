"""Holds and erasures that cross: what is held is never erased, and what was decided is never half done."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest

from tests.conftest import NewUrl
from tests.service.test_erasure import ANNA, about, append, asked, damage, dpo, erasures, opened, settings, urls
from tests.support import MadeLog, running_log
from tlog.audit.entry import JSON
from tlog.errors import BadRequest, Conflict, Held, NotFound, Unavailable
from tlog.keys.keyring import actor_identity
from tlog.service.erasure_request import Person
from tlog.service.hold_acts import HoldActs, HoldRequest
from tlog.service.intake import AppendRequest
from tlog.service.lookup_filters import Filters
from tlog.storage.act_store import ActKind, ActState
from tlog.storage.hold_store import HoldKind

FILES = ("log.db", "keyring.db")


@pytest.fixture
async def made(tmp_path: Path, new_url: NewUrl) -> AsyncIterator[MadeLog]:
    async with running_log(tmp_path / "log", settings=settings(), urls=urls(new_url)) as made:
        yield made


def holds(made: MadeLog) -> HoldActs:
    assert made.log.holds is not None
    return made.log.holds


def hold(**scope: Any) -> HoldRequest:
    return HoldRequest(HoldKind.LEGAL, "C-1", "claim of 3 May", "Dana", **scope)


async def shop(made: MadeLog, *subjects: str) -> int:
    body = json.dumps([about(*subjects, source="shop")]).encode()
    return (await made.log.appender.append(AppendRequest(body, JSON, frozenset({"shop"}))))[0].index


def found(made: MadeLog, subject: str = ANNA.id) -> list[int]:
    return [entry.stored.index for entry in made.log.lookup.page(Filters(subject=subject), None, 50).entries]


def late_in(made: MadeLog, monkeypatch: pytest.MonkeyPatch, subjects: tuple[str, ...]) -> list[int]:
    """Have an entry of the source `shop` come in after an erasure first looked at what there is."""
    steps, late = erasures(made).steps, list[int]()
    inner = type(steps)._prepare

    async def prepare(self: Any, act: Any, prepared: Any) -> Any:
        done = await inner(self, act, prepared)
        if not late:
            late.append(await shop(made, *subjects))
        return done

    monkeypatch.setattr(type(steps), "_prepare", prepare)
    return late


async def test_what_is_held_and_comes_during_an_erasure_stays(made: MadeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was not there when the erasure was decided; it stays as of a person who returned."""
    [early] = await append(made, about(ANNA.id))
    placed = await holds(made).place(hold(source="shop"), dpo(made))
    late = late_in(made, monkeypatch, ("bert-8", ANNA.id))
    done = await erasures(made).request(asked(), dpo(made))
    assert (done.status, done.extent.entries) == ("done", 1)
    assert opened(made, early).erased == ("subjects[0]", "shared")
    assert opened(made, late[0]).erased == ()
    assert opened(made, late[0]).entry["subjects"][1]["id"] == ANNA.id
    assert found(made) == late
    details = opened(made, done.index or 0).entry["details"]
    assert (details["entries_kept"], details["holds_checked"]) == (1, 1)
    with pytest.raises(Held, match=f"hold {placed.hold}"):
        await erasures(made).request(asked(), dpo(made))
    await holds(made).lift([placed.hold], dpo(made), "settled", "Dana")
    assert (await erasures(made).request(asked(), dpo(made))).extent.entries == 1
    assert opened(made, late[0]).erased == ("subjects[1]", "shared")
    await made.log.wait("witnessed", made.log.store.state().size)


async def test_what_is_damaged_and_comes_during_an_erasure_is_counted(
    made: MadeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could stop it any more without losing the person: the act says that such a part was there."""
    await append(made, about(ANNA.id))
    late = late_in(made, monkeypatch, (ANNA.id,))
    fence = made.log.store.advance_epoch

    def damaged() -> int:
        damage(made, late[0])
        return fence()

    monkeypatch.setattr(made.log.store, "advance_epoch", damaged)
    done = await erasures(made).request(asked(), dpo(made))
    assert opened(made, done.index or 0).entry["details"]["entries_damaged"] == 1


async def test_a_hold_waits_for_what_was_decided_before_it(tmp_path: Path) -> None:
    """The erasure stopped half way; placing a hold finishes it first, and covers what comes later."""
    fail = ["withdrawn"]

    def step(name: str) -> None:
        if fail == [name]:
            fail.clear()
            raise Unavailable("the disk is full")

    async with running_log(tmp_path, settings=settings(), step=step) as made:
        [early] = await append(made, about(ANNA.id))
        with pytest.raises(Unavailable):
            await erasures(made).request(asked(), dpo(made))
        placed = await holds(made).place(hold(subject=ANNA.id), dpo(made))
        assert opened(made, early).erased == ("subjects[0]", "shared")
        [act] = made.log.acts.store.newest(ActKind.ERASURE, 9)
        assert act.state is ActState.DONE
        [later] = await append(made, about(ANNA.id))
        assert holds(made).holds.held([later]) == {later: [placed.hold]}


@pytest.mark.parametrize("at", ["withdrawn", "fenced", "recorded"])
async def test_no_hold_is_in_force_beside_an_erasure_that_is_not_finished(tmp_path: Path, at: str) -> None:
    broken = [True]

    def step(name: str) -> None:
        if name == at and broken:
            raise Unavailable("the disk is full")

    async with running_log(tmp_path, settings=settings(), step=step) as made:
        [early] = await append(made, about(ANNA.id))
        with pytest.raises(Unavailable):
            await erasures(made).request(asked(), dpo(made))
        with pytest.raises(Unavailable, match="can't be finished now: the disk is full"):
            await holds(made).place(hold(source="clinic"), dpo(made))
        assert holds(made).holds.count() == 0
        with pytest.raises(Unavailable, match="can't be finished now"):
            await erasures(made).request(asked(), dpo(made))
        broken.clear()
        await made.log.acts.resume()
        assert opened(made, early).erased == ("subjects[0]", "shared")
        [act] = made.log.acts.store.newest(ActKind.ERASURE, 9)
        assert act.state is ActState.DONE
        await holds(made).place(hold(source="clinic"), dpo(made))


async def test_a_hold_does_not_wait_for_the_cleaning_up_of_what_is_erased(tmp_path: Path) -> None:
    def step(name: str) -> None:
        if name == "destroyed":
            raise Unavailable("something reads the database for too long")

    async with running_log(tmp_path, settings=settings(), step=step) as made:
        await append(made, about(ANNA.id))
        with pytest.raises(Unavailable):
            await erasures(made).request(asked(), dpo(made))
        await holds(made).place(hold(source="clinic"), dpo(made))
        assert [act.state for act in made.log.acts.store.newest(ActKind.ERASURE, 9)] == [ActState.APPLIED]


async def test_a_narrow_hold_goes_on_for_a_person_who_returns(made: MadeLog) -> None:
    """A hold on somebody within a window that has nothing yet: an erasure of the rest must not end it."""
    await append(made, about(ANNA.id))
    window = {"occurred_from": 4_000_000_000_000_000, "occurred_to": 4_100_000_000_000_000}
    placed = await holds(made).place(hold(subject=ANNA.id, **window), dpo(made))
    assert (await erasures(made).request(asked(), dpo(made))).status == "done"
    [later] = await append(made, about(ANNA.id, occurred_at="2097-01-01T00:00:00.000000Z"))
    assert holds(made).holds.held([later]) == {later: [placed.hold]}


async def test_a_lifted_hold_does_not_lead_to_the_erased_entries(made: MadeLog) -> None:
    await append(made, about(ANNA.id))
    placed = await holds(made).place(hold(subject=ANNA.id), dpo(made))
    await holds(made).lift([placed.hold], dpo(made), "settled", "Dana")
    await erasures(made).request(asked(), dpo(made))
    kept = holds(made).holds.store.get(placed.hold)
    assert kept.key_id is None
    assert holds(made).holds.said(kept)["on_subject"] is True


async def test_neither_placing_nor_lifting_puts_a_reason_into_the_log(made: MadeLog) -> None:
    """It may name somebody, and no erasure would reach it there; the officers see it with the hold."""
    await append(made, about(ANNA.id))
    placed = await holds(made).place(hold(subject=ANNA.id), dpo(made))
    [act] = await holds(made).lift([placed.hold], dpo(made), f"claim of {ANNA.id} is settled", "Dana Officer")
    said = json.dumps([opened(made, index).entry for index in range(1, made.log.store.state().size)])
    assert "claim" not in said
    assert ANNA.id not in said
    assert opened(made, act.entry_index or 0).entry["actor"]["name"] == "Dana Officer"
    lifted = holds(made).holds.said(holds(made).holds.store.get(placed.hold))["lifted"]
    assert (lifted["reason"], lifted["authorised_by"]) == (f"claim of {ANNA.id} is settled", "Dana Officer")


async def test_a_declined_lifting_says_no_reason_either(tmp_path: Path) -> None:
    async with running_log(tmp_path, settings=settings(second_person=True)) as made:
        placed = await holds(made).place(hold(source="clinic"), dpo(made))
        [act] = await holds(made).lift([placed.hold], dpo(made), "the claim of anna", "Dana")
        declined = await made.log.acts.decline(act.act_id, dpo(made, "eve"))
        entry = opened(made, declined.entry_index or 0).entry
        assert "anna" not in json.dumps(entry)


async def test_what_is_lifted_is_not_lifted_again(made: MadeLog) -> None:
    placed = await holds(made).place(hold(source="clinic"), dpo(made))
    await holds(made).lift([placed.hold], dpo(made), "over", "Dana")
    with pytest.raises(Conflict, match="lifted already"):
        await holds(made).lift([placed.hold], dpo(made), "over", "Dana")
    with pytest.raises(NotFound):
        await holds(made).lift([99], dpo(made), "over", "Dana")


async def test_nobody_takes_their_name_out_of_the_logs_own_entries(made: MadeLog) -> None:
    await append(made, about(ANNA.id))
    await erasures(made).request(asked(), dpo(made))
    with pytest.raises(BadRequest, match="own entries"):
        await erasures(made).request(asked(Person("actor", actor_identity("token", "dana"))), dpo(made, "eve"))


async def test_what_was_kept_outlives_a_database_from_before_the_erasure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy has the held entry under the old key. It is readable after the replay, under a key without a name."""
    folder = tmp_path / "log"

    def step(name: str) -> None:
        if name == "withdrawn":
            for file in FILES:
                with closing(connect(folder / file)) as now, closing(connect(tmp_path / file)) as old:
                    now.backup(old)

    async with running_log(folder, settings=settings(), step=step) as made:
        await append(made, about(ANNA.id))
        await holds(made).place(hold(source="shop"), dpo(made))
        late = late_in(made, monkeypatch, (ANNA.id,))
        assert (await erasures(made).request(asked(), dpo(made))).status == "done"
    monkeypatch.undo()
    for file in FILES:
        for suffix in ("", "-wal", "-shm"):
            (folder / (file + suffix)).unlink(missing_ok=True)
        (tmp_path / file).rename(folder / file)
    async with running_log(folder, settings=settings()) as made:
        await made.log.acts.resume()
        assert opened(made, 0).erased == ("subjects[0]", "shared")
        assert opened(made, late[0]).entry["subjects"][0]["id"] == ANNA.id
        assert found(made) == []

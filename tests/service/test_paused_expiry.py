"""A backup from before a hold: what was held is not gone before anybody could place the hold again."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.service.expired import CLASSES, Clock, expired, first_turn, retention
from tests.service.test_erasure import about, append, asked, damage, dpo, erasures, opened, settings
from tests.service.test_holds import acts_of, request
from tests.service.test_scheduler import scheduler, turns
from tests.support import MadeLog, make_log, running_log
from tlog.errors import Forbidden, TlogError
from tlog.service.erasure_request import Person
from tlog.service.expiry import CohortEraser
from tlog.storage.act_store import ActKind, ActState
from tlog.storage.expiry_pause import PAUSE_FILE

HELD, OTHER, GONE = "held-1", "other-2", "gone-3"


def copy(source: Path, target: Path) -> None:
    """Put the databases of one folder in the place of those of another; nobody has any of them open."""
    target.mkdir(exist_ok=True)
    for name in ("log.db", "keyring.db"):
        for old in target.glob(f"{name}*"):
            old.unlink()
        shutil.copy(source / name, target / name)


@asynccontextmanager
async def kept(folder: Path, clock: Clock, **changed: Any) -> AsyncIterator[MadeLog]:
    """Run the log with real holds; its scheduler has had a turn."""
    said = settings(retention_interval=0.02, **changed)
    async with running_log(folder, now=clock, retention=CLASSES, settings=said) as made:
        await first_turn(made)
        yield made


async def put_back(folder: Path, clock: Clock) -> None:
    """Make a log of which the databases are from before a hold and an erasure; two cohorts, the first one due."""
    async with kept(folder, clock) as made:
        await append(made, about(HELD), about(OTHER), about(GONE))
        clock.on(2025, 2)
        await append(made, about("later"))
    copy(folder, folder.parent / "backup")
    async with kept(folder, clock) as made:
        await acts_of(made).place(request(subject=HELD), dpo(made))
        await erasures(made).request(asked(Person("subject", GONE)), dpo(made))
    copy(folder.parent / "backup", folder)
    shutil.rmtree(folder / "tiles")
    clock.on(2026, 2)


async def test_nothing_expires_before_the_hold_is_placed_again_and_somebody_says_so(tmp_path: Path) -> None:
    folder, clock = tmp_path / "log", Clock()
    await put_back(folder, clock)
    with capture_logs() as logged:
        async with kept(folder, clock) as made:
            await turns(3, made)
            assert (expired(made), scheduler(made).last_run, scheduler(made).failures) == (set(), None, 0)
    assert [line["log_level"] for line in logged if line["event"] == "expiry is paused"] == ["warning"]
    async with kept(folder, clock) as made:  # with nothing to replay any more: it survives restarts
        await turns(2, made)
        assert expired(made) == set()
        paused = retention(made).paused()
        assert paused is not None
        assert "older than the erasure records" in paused.reason
        officer = dpo(made)
        await acts_of(made).place(request(subject=HELD), officer)
        cohort, resumed = await retention(made).request(officer, "Dana Officer")
        assert (cohort.cohort, cohort.state, resumed.kind, resumed.state) == (
            "standard/2025-01",
            ActState.DONE,
            ActKind.RESUME,
            ActState.DONE,
        )
        assert expired(made, range(4)) == {1, 2}
        entry = opened(made, resumed.entry_index or 0).entry
        assert (entry["action"], entry["actor"]["name"]) == ("tlog.resume-expiry", "Dana Officer")
        assert entry["details"]["paused_since"] == paused.since
        assert (retention(made).paused(), (folder / PAUSE_FILE).exists()) == (None, False)
        clock.on(2026, 3)
        await turns(2, made)  # by itself again
        assert expired(made, range(4)) == {1, 2, 3}
        assert opened(made, 0).entry["subjects"][0]["id"] == HELD


async def test_without_anything_older_there_is_no_pause(tmp_path: Path) -> None:
    folder, clock = tmp_path / "log", Clock()
    async with kept(folder, clock) as made:
        await append(made, about(GONE))
        await erasures(made).request(asked(Person("subject", GONE)), dpo(made))
    with capture_logs() as logged:
        async with kept(folder, clock) as made:
            assert retention(made).paused() is None
            assert [act.kind for act in await retention(made).request(dpo(made), "Dana")] == []
    assert "expiry is paused" not in [line["event"] for line in logged]


@pytest.mark.parametrize("step", ["recorded", "destroyed", "applied"])
async def test_an_act_that_a_crash_cut_off_is_no_older_database(tmp_path: Path, step: str) -> None:
    """It is replayed too, from its record; but this is the database in which it was begun."""
    folder, clock = tmp_path / "log", Clock()

    def end(name: str) -> None:
        if name == step:
            raise OSError("the process ends here")

    async with running_log(folder, now=clock, settings=settings(), step=end) as made:
        await append(made, about(GONE))
        with pytest.raises(OSError, match="ends here"):
            await erasures(made).request(asked(Person("subject", GONE)), dpo(made))
    async with kept(folder, clock) as made:
        await made.log.acts.resume()
        assert [act.state for act in made.log.acts.store.newest(ActKind.ERASURE, 9)] == [ActState.DONE]
        assert retention(made).paused() is None


async def test_a_crash_in_the_replay_leaves_the_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start may find nothing to replay: the pause must be on disk before anything is."""
    folder, clock = tmp_path / "log", Clock()
    async with kept(folder, clock) as made:
        await append(made, about(HELD))
    copy(folder, tmp_path / "backup")
    async with kept(folder, clock) as made:
        clock.on(2026, 2)
        await turns(2, made)
        assert 0 in expired(made)
    copy(tmp_path / "backup", folder)
    shutil.rmtree(folder / "tiles")

    def fail(_: object) -> None:
        raise OSError("the process ends here")

    with monkeypatch.context() as broken:
        broken.setattr(CohortEraser, "forget_persons", fail)
        with pytest.raises(OSError, match="ends here"):
            make_log(folder, now=clock, settings=settings(), retention=CLASSES)
    async with kept(folder, clock) as made:
        assert retention(made).paused() is not None


async def test_a_second_person_must_agree_where_one_is_set(tmp_path: Path) -> None:
    folder, clock = tmp_path / "log", Clock()
    await put_back(folder, clock)
    clock.on(2025, 2)  # nothing is due
    async with kept(folder, clock, second_person=True) as made:
        dana, eve = dpo(made), dpo(made, "eve")
        [act] = await retention(made).request(dana, "Dana Officer")
        assert (act.kind, act.state) == (ActKind.RESUME, ActState.PENDING)
        assert await retention(made).request(eve, "Eve Officer") == []
        with pytest.raises(Forbidden):
            await made.log.acts.approve(act.act_id, dana)
        await made.log.acts.decline(act.act_id, eve)
        assert retention(made).paused() is not None
        [act] = await retention(made).request(dana, "Dana Officer")
        done = await made.log.acts.approve(act.act_id, eve)
        assert (done.state, retention(made).paused()) == (ActState.DONE, None)
        assert opened(made, done.entry_index or 0).entry["details"]["approved_by"] == "eve"


async def test_a_run_that_fails_leaves_the_pause(tmp_path: Path) -> None:
    folder, clock = tmp_path / "log", Clock()
    await put_back(folder, clock)
    async with kept(folder, clock) as made:
        officer = dpo(made)
        await acts_of(made).place(request(subject=HELD), officer)
        damage(made, 0)  # held, does not open: its cohort can't be split
        with pytest.raises(TlogError):
            await retention(made).request(officer, "Dana Officer")
        assert retention(made).paused() is not None
        assert made.log.acts.store.newest(ActKind.RESUME, 1) == []


async def test_an_act_that_a_database_brings_back_ends_no_later_pause(tmp_path: Path) -> None:
    folder, clock = tmp_path / "log", Clock()
    await put_back(folder, clock)
    async with kept(folder, clock, second_person=True) as made:
        [act] = [act for act in await retention(made).request(dpo(made), "Dana Officer") if act.kind is ActKind.RESUME]
    copy(folder, tmp_path / "asked")
    copy(tmp_path / "backup", folder)
    shutil.rmtree(folder / "tiles")
    clock.on(2026, 2, 20)
    make_log(folder, now=clock, settings=settings(), retention=CLASSES).close()  # paused again, since now
    copy(tmp_path / "asked", folder)
    shutil.rmtree(folder / "tiles")
    async with kept(folder, clock, second_person=True) as made:
        done = await made.log.acts.approve(act.act_id, dpo(made, "eve"))
        assert done.state is ActState.DONE
        assert retention(made).paused() is not None


async def test_a_file_made_by_hand_pauses_too(tmp_path: Path) -> None:
    """After a restore by other means, of which no record tells."""
    folder, clock = tmp_path / "log", Clock()
    async with kept(folder, clock) as made:
        await append(made, about(HELD))
    clock.on(2026, 2)
    (folder / PAUSE_FILE).touch()
    async with kept(folder, clock) as made:
        await turns(2, made)
        assert expired(made) == set()
        assert len(await retention(made).request(dpo(made), "Dana Officer")) == 2
        assert (expired(made, [0]), retention(made).paused()) == ({0}, None)


async def test_a_crash_after_the_pause_was_lifted_is_finished(tmp_path: Path) -> None:
    folder, clock = tmp_path / "log", Clock()
    lifted = [True]

    def end(name: str) -> None:
        if name == "lifted" and lifted and lifted.pop():
            raise OSError("the process ends here")

    async with running_log(folder, now=clock, settings=settings(), retention=CLASSES, step=end) as made:
        await first_turn(made)
        (folder / PAUSE_FILE).touch()
        with pytest.raises(OSError, match="ends here"):
            await retention(made).request(dpo(made), "Dana Officer")
    async with kept(folder, clock) as made:
        await made.log.acts.resume()
        [act] = made.log.acts.store.newest(ActKind.RESUME, 9)
        assert (act.state, retention(made).paused()) == (ActState.DONE, None)

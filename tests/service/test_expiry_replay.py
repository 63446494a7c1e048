"""A database from before an expiry is started: what had expired has expired again before anybody is answered."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.service.expired import (
    CLASSES,
    Clock,
    HeldHere,
    expired,
    expiries,
    expiry,
    first_turn,
    kept_log,
    require_clean,
    run_due,
)
from tests.service.test_erasure import about, append, opened, settings
from tests.service.test_replay import KEYRING, LOG, copy
from tests.support import MadeLog, make_log
from tlog.errors import DecryptionFailed, Expired
from tlog.service.entries import stored_cohort
from tlog.storage.act_store import UNFINISHED, ActState

HELD = 1
BOTH = (*LOG, *KEYRING)


async def expired_log(folder: Path, keep: Path, clock: Clock) -> None:
    """Make a log of three entries, copy its databases, and let all expire but the one that is held."""
    async with kept_log(folder, clock, held=[HELD]) as made:
        await append(made, about("p-1"), about("p-2"), about("p-3"))
    copy(folder, keep)
    async with kept_log(folder, clock, held=[HELD]) as made:
        clock.on(2026, 2)
        assert await run_due(made) == ["standard/2025-01"]


def restored(folder: Path, backup: Path, names: Sequence[str], clock: Clock) -> MadeLog:
    """Open the log over restored databases: replayed when this returns; nothing is started yet."""
    if "log.db" in names:
        shutil.rmtree(folder / "tiles")
    copy(backup, folder, names)
    made = make_log(folder, now=clock, settings=settings(), retention=CLASSES)
    expiry(made).holds = HeldHere([HELD])
    return made


def require_expired(made: MadeLog) -> None:
    keyring = made.parts.keyring
    assert keyring.cohort_keys(["standard/2025-01"]) == {}
    assert keyring.destroyed_cohorts(["standard/2025-01"]) == {"standard/2025-01"}
    for index in (0, 2):
        with pytest.raises(Expired):
            opened(made, index)


@pytest.mark.parametrize("names", [LOG, KEYRING, BOTH], ids=["log", "keyring", "both"])
async def test_an_older_database_expires_again_before_anybody_asks(tmp_path: Path, names: Sequence[str]) -> None:
    folder, clock = tmp_path / "log", Clock()
    await expired_log(folder, tmp_path / "backup", clock)
    made = restored(folder, tmp_path / "backup", names, clock)
    require_expired(made)
    await made.log.start()
    await first_turn(made)
    await made.log.acts.resume()
    # Where the held entry is lost (its log is older, see below), its empty cohort expires too.
    [act] = [act for act in expiries(made) if act.cohort == "standard/2025-01"]
    assert (act.state, act.entries) == (ActState.DONE, 2)
    assert made.log.acts.store.in_states(UNFINISHED) == []
    if names != KEYRING:  # which lacks the keys of the entry that says so
        entry = opened(made, act.entry_index or 0).entry
        assert entry["action"] == "tlog.expiry"
        assert (entry["details"]["entries"], entry["details"]["held"], entry["details"]["replayed"]) == (2, 1, True)
    assert made.parts.keyring.find_person("subject", "p-1") is None
    await made.log.stop()
    made.close()


async def test_what_was_held_is_saved_again(tmp_path: Path) -> None:
    folder, clock = tmp_path / "log", Clock()
    await expired_log(folder, tmp_path / "backup", clock)
    made = restored(folder, tmp_path / "backup", BOTH, clock)
    assert stored_cohort(made.log.entries.stored(HELD)) == "standard/2025-01+1"
    assert opened(made, HELD).entry["subjects"][0]["id"] == "p-2"
    await made.log.start()
    await first_turn(made)
    await made.log.acts.resume()
    assert await run_due(made) == []
    expiry(made).holds = HeldHere()
    assert await run_due(made) == ["standard/2025-01+1"]
    assert expired(made) == {0, 1, 2}
    await made.log.stop()
    made.close()
    require_clean(folder, clock)


@pytest.mark.parametrize("names", [LOG, KEYRING], ids=["log", "keyring"])
async def test_what_was_held_is_lost_with_its_key_where_only_one_database_is_older(
    tmp_path: Path, names: Sequence[str]
) -> None:
    """Its parts are under a key that this keyring has destroyed, or never had. It does not say that it expired."""
    folder, clock = tmp_path / "log", Clock()
    await expired_log(folder, tmp_path / "backup", clock)
    made = restored(folder, tmp_path / "backup", names, clock)
    with pytest.raises(DecryptionFailed):
        opened(made, HELD)
    made.close()


async def test_a_start_without_anything_to_replay_changes_nothing(tmp_path: Path) -> None:
    folder, clock = tmp_path / "log", Clock()
    await expired_log(folder, tmp_path / "backup", clock)
    epochs = []
    for _ in range(2):
        made = make_log(folder, now=clock, settings=settings(), retention=CLASSES)
        epochs.append(made.log.store.key_epoch())
        made.close()
    assert epochs[0] == epochs[1]


@pytest.mark.parametrize("names", [LOG, BOTH], ids=["log", "both"])
async def test_an_older_database_from_between_two_expiries(tmp_path: Path, names: Sequence[str]) -> None:
    """The second one took what the first one saved."""
    folder, clock = tmp_path / "log", Clock()
    await expired_log(folder, tmp_path / "backup", clock)
    async with kept_log(folder, clock) as made:
        assert "standard/2025-01+1" not in made.parts.keyring.cohort_names() or await run_due(made)
        assert HELD in expired(made)
    made = restored(folder, tmp_path / "backup", names, clock)
    assert made.parts.keyring.cohort_names() == [] or "standard/2025-01+1" not in made.parts.keyring.cohort_names()
    await made.log.start()
    await first_turn(made)
    await made.log.acts.resume()
    assert {0, HELD, 2} <= expired(made)
    assert all(act.state is ActState.DONE for act in expiries(made))
    await made.log.stop()
    made.close()
    require_clean(folder, clock)

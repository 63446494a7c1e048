"""A database from before an expiry is started: what had expired has expired again before anybody is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import NewUrl
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
from tests.service.older import BOTH, KEYRING, LOG, Databases, drop_tiles, new_databases, sqlite_in
from tests.service.test_erasure import about, append, opened, settings
from tests.service.traces import (
    ContentBefore,
    Traces,
    entry_traces,
    files_of,
    found,
    key_traces,
    require_cleaned,
)
from tests.support import MadeLog, make_log
from tlog.errors import DecryptionFailed, Expired
from tlog.service.entries import stored_cohort
from tlog.storage.act_store import UNFINISHED, ActState
from tlog.storage.keyring_store import KeyringStore

HELD = 1
JANUARY = "standard/2025-01"


@dataclass(frozen=True, slots=True)
class ExpiredLog:
    """A log of three entries that expired, but the one that is held: its databases, copies from before, and what
    the expiry destroyed."""

    folder: Path
    clock: Clock
    live: Databases
    before: Databases
    keys: Traces
    parts: Traces

    def urls(self, names: Sequence[str]) -> tuple[str, str]:
        """Put databases from before in the place of these, and return where they are."""
        drop_tiles(self.folder, names)
        return self.live.with_older(self.before, names).urls

    def open(self, urls: tuple[str, str]) -> MadeLog:
        """Open the log over these databases: replayed when this returns; nothing is started yet."""
        made = make_log(self.folder, now=self.clock, settings=settings(), retention=CLASSES, urls=urls)
        expiry(made).holds = HeldHere([HELD])
        return made


async def expired_log(folder: Path, new_url: NewUrl) -> ExpiredLog:
    """Make a log of three entries, copy its databases, and let all expire but the one that is held."""
    clock, live = Clock(), new_databases(new_url)
    async with kept_log(folder, clock, held=[HELD], urls=live.urls) as made:
        targets = [{"type": "record", "id": "of what expires only"}]
        gone, held, too = about("p-1", targets=targets), about("p-2"), about("p-3", targets=targets)
        indices = await append(made, gone, held, too)
        [cohort] = KeyringStore(made.keyring_database).cohorts([JANUARY]).values()
        keys = key_traces(made, "subject", "p-1") | {"the cohort's key": cohort}
        parts = entry_traces(made.log.entries.stored(index) for index in indices if index != HELD)
    before = live.copied(new_url)
    async with kept_log(folder, clock, held=[HELD], urls=live.urls) as made:
        clock.on(2026, 2)
        assert await run_due(made) == [JANUARY]
    return ExpiredLog(folder, clock, live, before, keys, parts)


def require_expired(made: MadeLog) -> None:
    keyring = made.parts.keyring
    assert keyring.cohort_keys([JANUARY]) == {}
    assert keyring.destroyed_cohorts([JANUARY]) == {JANUARY}
    for index in (0, 2):
        with pytest.raises(Expired):
            opened(made, index)


@pytest.mark.parametrize("names", [LOG, KEYRING, BOTH], ids=["log", "keyring", "both"])
async def test_an_older_database_expires_again_before_anybody_asks(
    tmp_path: Path, new_url: NewUrl, names: Sequence[str]
) -> None:
    log = await expired_log(tmp_path / "log", new_url)
    made = log.open(log.urls(names))
    require_expired(made)
    await made.log.start()
    await first_turn(made)
    await made.log.acts.resume()
    # Where the held entry is lost (its log is older, see below), its empty cohort expires too.
    [act] = [act for act in expiries(made) if act.cohort == JANUARY]
    assert (act.state, act.entries) == (ActState.DONE, 2)
    assert made.log.acts.store.in_states(UNFINISHED) == []
    if names != KEYRING:  # which lacks the keys of the entry that says so
        entry = opened(made, act.entry_index or 0).entry
        assert entry["action"] == "tlog.expiry"
        assert (entry["details"]["entries"], entry["details"]["held"], entry["details"]["replayed"]) == (2, 1, True)
    assert made.parts.keyring.find_person("subject", "p-1") is None
    await made.log.stop()
    made.close()


@pytest.mark.parametrize("names", [LOG, KEYRING, BOTH], ids=["log", "keyring", "both"])
async def test_what_an_older_database_brought_back_is_in_none_of_its_files(
    tmp_path: Path, new_url: NewUrl, request: pytest.FixtureRequest, names: Sequence[str]
) -> None:
    """PostgreSQL keeps the bytes of dead rows until their place is needed: their key is gone, and they are vacuumed."""
    log = await expired_log(tmp_path / "log", new_url)
    urls = log.urls(names)
    before = ContentBefore(urls, request)
    brought = (log.parts if "log" in names else {}) | (log.keys if "keyring" in names else {})
    assert found(brought, before.content) == list(brought), "nothing to look for"
    made = log.open(urls)
    database = made.parts.database
    traces = log.keys | log.parts if database.is_sqlite else log.keys
    assert found(traces, files_of(made, request)()) == []
    if not database.is_sqlite:
        require_cleaned(database, before.tables, small=["acts", "time_blocks"])
    made.close()


async def test_what_was_held_is_saved_again(tmp_path: Path, new_url: NewUrl) -> None:
    log = await expired_log(tmp_path / "log", new_url)
    urls = log.urls(BOTH)
    made = log.open(urls)
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
    require_clean(log.folder, log.clock, urls)


@pytest.mark.parametrize("names", [LOG, KEYRING], ids=["log", "keyring"])
async def test_what_was_held_is_lost_with_its_key_where_only_one_database_is_older(
    tmp_path: Path, names: Sequence[str]
) -> None:
    """Its parts are under a key that this keyring has destroyed, or never had. It does not say that it expired."""
    log = await expired_log(tmp_path / "log", sqlite_in(tmp_path))
    made = log.open(log.urls(names))
    with pytest.raises(DecryptionFailed):
        opened(made, HELD)
    made.close()


async def test_a_start_without_anything_to_replay_changes_nothing(tmp_path: Path) -> None:
    log = await expired_log(tmp_path / "log", sqlite_in(tmp_path))
    epochs = []
    for _ in range(2):
        made = log.open(log.live.urls)
        epochs.append(made.log.store.key_epoch())
        made.close()
    assert epochs[0] == epochs[1]


@pytest.mark.parametrize("names", [LOG, BOTH], ids=["log", "both"])
async def test_an_older_database_from_between_two_expiries(tmp_path: Path, names: Sequence[str]) -> None:
    """The second one took what the first one saved."""
    log = await expired_log(tmp_path / "log", sqlite_in(tmp_path))
    async with kept_log(log.folder, log.clock, urls=log.live.urls) as made:
        assert "standard/2025-01+1" not in made.parts.keyring.cohort_names() or await run_due(made)
        assert HELD in expired(made)
    urls = log.urls(names)
    made = log.open(urls)
    assert made.parts.keyring.cohort_names() == [] or "standard/2025-01+1" not in made.parts.keyring.cohort_names()
    await made.log.start()
    await first_turn(made)
    await made.log.acts.resume()
    assert {0, HELD, 2} <= expired(made)
    assert all(act.state is ActState.DONE for act in expiries(made))
    await made.log.stop()
    made.close()
    require_clean(log.folder, log.clock, urls)

"""A database from before an erasure is started: what was erased is gone again before anybody is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.conftest import NewUrl
from tests.service.older import BOTH, KEYRING, LOG, Databases, drop_tiles, new_databases, sqlite_in
from tests.service.test_erasure import ANNA, BERT, about, append, asked, dpo, erasures, opened, settings
from tests.service.traces import (
    ContentBefore,
    Traces,
    files_of,
    found,
    key_of,
    key_traces,
    part_traces,
    require_cleaned,
)
from tests.support import MadeLog, make_log, make_parts, running_log
from tlog.audit.erasure_record import encode_record, parse_unverified
from tlog.audit.opened import OpenedEntry
from tlog.errors import StorageFault
from tlog.service.log import Log
from tlog.service.person_eraser import key_of as key_of_record
from tlog.storage.act_store import UNFINISHED, ActState
from tlog.storage.erasure_records import ErasureRecords


@dataclass(frozen=True, slots=True)
class ErasedLog:
    """A log where somebody was erased: its databases, copies from before, and what the erasure destroyed."""

    folder: Path
    live: Databases
    before: Databases
    first: int
    act_id: bytes
    key_id: int
    keys: Traces
    parts: Traces

    def urls(self, restored: Sequence[str] = BOTH) -> tuple[str, str]:
        """Put databases from before in the place of these, and return where they are."""
        drop_tiles(self.folder, restored)
        return self.live.with_older(self.before, restored).urls


async def erased_log(folder: Path, new_url: NewUrl) -> ErasedLog:
    """Make a log, copy its databases, erase somebody."""
    live = new_databases(new_url)
    async with running_log(folder, settings=settings(), urls=live.urls) as made:
        targets = [{"type": "record", "id": "of Anna only"}]
        hers = about(ANNA.id, targets=targets), about(ANNA.id, BERT.id, targets=targets)
        first, *_ = await append(made, *hers, about(BERT.id))
        key_id = key_of(made, "subject", ANNA.id)
        keys, parts = key_traces(made, "subject", ANNA.id), part_traces(made, key_id)
    before = live.copied(new_url)
    async with running_log(folder, settings=settings(), urls=live.urls) as made:
        done = await erasures(made).request(asked(), dpo(made))
    return ErasedLog(folder, live, before, first, done.act or b"", key_id, keys, parts)


def require_forgotten(made: MadeLog, first: int, key_id: int) -> None:
    assert made.parts.keyring.person_keys([key_id]) == {}
    assert erasures(made)._eraser.erasures.places(key_id) == []
    assert opened(made, first).erased == ("subjects[0]", "shared")
    assert opened(made, first + 1).erased == ("subjects[0]", "shared")
    assert opened(made, first + 1).entry["subjects"][1]["id"] == BERT.id
    rows = made.log.store.entries_at(range(3))  # later ones are sealed under keys that an older keyring lacks
    assert all(isinstance(found, OpenedEntry) for found in made.log.entries.open_all(list(rows.values())))


@pytest.mark.parametrize("restored", [LOG, KEYRING, BOTH], ids=["log", "keyring", "both"])
async def test_an_older_database_forgets_again_before_anybody_asks(
    tmp_path: Path, new_url: NewUrl, restored: Sequence[str]
) -> None:
    log = await erased_log(tmp_path / "log", new_url)
    made = make_log(log.folder, settings=settings(), urls=log.urls(restored))
    require_forgotten(made, log.first, log.key_id)  # replayed already; nothing is started yet
    await made.log.start()
    await made.log.acts.resume()
    act = made.log.acts.store.get(log.act_id)
    assert act.state is ActState.DONE
    if restored != KEYRING:
        require_logged(made, act.entry_index or 0)
    await made.log.stop()
    made.close()


@pytest.mark.parametrize("restored", [LOG, KEYRING, BOTH], ids=["log", "keyring", "both"])
async def test_what_an_older_database_brought_back_is_in_none_of_its_files(
    tmp_path: Path, new_url: NewUrl, request: pytest.FixtureRequest, restored: Sequence[str]
) -> None:
    """PostgreSQL keeps the bytes of dead rows until their place is needed: their key is gone, and they are vacuumed."""
    log = await erased_log(tmp_path / "log", new_url)
    urls = log.urls(restored)
    before = ContentBefore(urls, request)
    brought = (log.parts if "log" in restored else {}) | (log.keys if "keyring" in restored else {})
    assert found(brought, before.content) == list(brought), "nothing to look for"
    made = make_log(log.folder, settings=settings(), urls=urls)
    database = made.parts.database
    traces = log.keys | log.parts if database.is_sqlite else log.keys
    assert found(traces, files_of(made, request)()) == []
    if not database.is_sqlite:
        require_cleaned(database, before.tables, small=["acts"])
    made.close()


def require_logged(made: MadeLog, index: int) -> None:
    entry = opened(made, index).entry
    assert (entry["action"], entry["details"]["entries"], entry["details"]["parts"]) == ("tlog.erasure", 2, 4)
    assert entry["details"]["replayed"] is True


async def test_a_start_without_anything_to_replay_changes_nothing(tmp_path: Path) -> None:
    log = await erased_log(tmp_path / "log", sqlite_in(tmp_path))
    made = make_log(log.folder, settings=settings(), urls=log.live.urls)
    epoch = made.log.store.key_epoch()
    made.close()
    made = make_log(log.folder, settings=settings(), urls=log.live.urls)
    assert made.log.store.key_epoch() == epoch
    assert made.log.acts.store.in_states(UNFINISHED) == []
    made.close()


async def test_a_log_that_is_halted_has_forgotten_all_the_same(tmp_path: Path) -> None:
    log = await erased_log(tmp_path / "log", sqlite_in(tmp_path))
    made = make_log(log.folder, settings=settings(), urls=log.urls())
    await made.log.start()
    made.log.publisher._stop_signing("a witness knows more")
    require_forgotten(made, log.first, log.key_id)
    await made.log.stop()
    assert made.log.acts.store.find(log.act_id) is not None
    made.close()


def cut(data: bytes) -> bytes:
    return data[:-20]


def other_log(data: bytes) -> bytes:
    return data.replace(b"example.com/log", b"example.com/xyz")


def other_digest(data: bytes) -> bytes:
    place = data.index(b'"subjects[0]","') + 20
    return data[:place] + (b"A" if data[place : place + 1] != b"A" else b"B") + data[place + 1 :]


def with_mac(folder: Path, urls: tuple[str, str], data: bytes) -> bytes:
    """Write a record anew as this log would have: what is refused then does not fit the log, whoever wrote it."""
    parts, keyring_database = make_parts(folder, urls=urls)
    parts.database.close()
    keyring_database.close()
    return encode_record(parse_unverified(data), parts.keyring.record_mac)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("change", [cut, other_log, other_digest])
async def test_a_record_that_can_not_be_believed_stops_the_start(
    tmp_path: Path, change: Callable[[bytes], bytes], signed: bool
) -> None:
    log = await erased_log(tmp_path / "log", sqlite_in(tmp_path))
    [record] = (log.folder / "erasures").iterdir()
    urls = log.urls()
    changed = change(record.read_bytes())
    record.write_bytes(with_mac(log.folder, urls, changed) if signed and change is not cut else changed)
    parts, keyring_database = make_parts(log.folder, settings=settings(), urls=urls)
    with pytest.raises(StorageFault, match=r"fit|is of the log|no MAC|not an erasure record"):
        Log(parts)
    parts.database.close()
    keyring_database.close()


async def test_a_record_of_parts_under_another_key_destroys_no_key(tmp_path: Path) -> None:
    """As if it said whom it erased wrongly: neither that person's key may go, nor may it pass for done."""
    log = await erased_log(tmp_path / "log", sqlite_in(tmp_path))
    parts, keyring_database = make_parts(log.folder, settings=settings(), urls=log.urls())
    keyring, records = parts.keyring, ErasureRecords(log.folder / "erasures", parts.keyring.record_mac)
    [record] = records.all()
    bert = keyring.find_person("subject", BERT.id)
    assert bert is not None
    for wrong in (bert, key_of_record(record) ^ 1):
        records.write(replace(record, key_id=wrong))
        with pytest.raises(StorageFault, match="entry 0 that is sealed under another key than the record says"):
            Log(parts)
        assert keyring.find_person("subject", BERT.id) == bert
        assert keyring.find_person("subject", ANNA.id) == key_of_record(record)
    records.write(record)
    Log(parts)
    assert keyring.find_person("subject", ANNA.id) is None
    parts.database.close()
    keyring_database.close()

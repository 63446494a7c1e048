"""A database from before an erasure is started: what was erased is gone again before anybody is answered."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.service.test_erasure import ANNA, BERT, about, append, asked, dpo, erasures, opened, settings
from tests.support import MadeLog, make_log, make_parts, running_log
from tlog.audit.erasure_record import encode_record, parse_unverified
from tlog.audit.opened import OpenedEntry
from tlog.errors import StorageFault
from tlog.service.person_eraser import key_of
from tlog.storage.act_store import UNFINISHED, ActState
from tlog.storage.erasure_records import ErasureRecords

LOG, KEYRING = ("log.db",), ("keyring.db",)


async def erased_log(folder: Path, keep: Path) -> tuple[int, bytes, int]:
    """Make a log, copy its databases, erase somebody; return the first index, the act and the number of its key."""
    async with running_log(folder, settings=settings()) as made:
        first, *_ = await append(made, about(ANNA.id), about(ANNA.id, BERT.id), about(BERT.id))
        key_id = made.parts.keyring.find_person("subject", ANNA.id)
    copy(folder, keep)
    async with running_log(folder, settings=settings()) as made:
        done = await erasures(made).request(asked(), dpo(made))
        assert done.act is not None
        assert key_id is not None
        return first, done.act, key_id


def copy(source: Path, target: Path, names: Sequence[str] = (*LOG, *KEYRING)) -> None:
    target.mkdir(exist_ok=True)
    for name in names:
        for old in target.glob(f"{name}*"):
            old.unlink()
        shutil.copy(source / name, target / name)


def require_forgotten(made: MadeLog, first: int, key_id: int) -> None:
    assert made.parts.keyring.person_keys([key_id]) == {}
    assert erasures(made)._eraser.erasures.places(key_id) == []
    assert opened(made, first).erased == ("subjects[0]", "shared")
    assert opened(made, first + 1).erased == ("subjects[0]", "shared")
    assert opened(made, first + 1).entry["subjects"][1]["id"] == BERT.id
    rows = made.log.store.entries_at(range(3))  # later ones are sealed under keys that an older keyring lacks
    assert all(isinstance(found, OpenedEntry) for found in made.log.entries.open_all(list(rows.values())))


@pytest.mark.parametrize("restored", [LOG, KEYRING, (*LOG, *KEYRING)], ids=["log", "keyring", "both"])
async def test_an_older_database_forgets_again_before_anybody_asks(tmp_path: Path, restored: Sequence[str]) -> None:
    folder, backup = tmp_path / "log", tmp_path / "backup"
    first, act_id, key_id = await erased_log(folder, backup)
    shutil.rmtree(folder / "tiles") if "log.db" in restored else None
    copy(backup, folder, restored)
    made = make_log(folder, settings=settings())  # replayed when this returns; nothing is started yet
    require_forgotten(made, first, key_id)
    await made.log.start()
    await made.log.acts.resume()
    act = made.log.acts.store.get(act_id)
    assert act.state is ActState.DONE
    if restored != KEYRING:
        require_logged(made, act.entry_index or 0)
    await made.log.stop()
    made.close()


def require_logged(made: MadeLog, index: int) -> None:
    entry = opened(made, index).entry
    assert (entry["action"], entry["details"]["entries"], entry["details"]["parts"]) == ("tlog.erasure", 2, 4)
    assert entry["details"]["replayed"] is True


async def test_a_start_without_anything_to_replay_changes_nothing(tmp_path: Path) -> None:
    await erased_log(tmp_path / "log", tmp_path / "backup")
    made = make_log(tmp_path / "log", settings=settings())
    epoch = made.log.store.key_epoch()
    made.close()
    made = make_log(tmp_path / "log", settings=settings())
    assert made.log.store.key_epoch() == epoch
    assert made.log.acts.store.in_states(UNFINISHED) == []
    made.close()


async def test_a_log_that_is_halted_has_forgotten_all_the_same(tmp_path: Path) -> None:
    folder, backup = tmp_path / "log", tmp_path / "backup"
    first, act_id, key_id = await erased_log(folder, backup)
    shutil.rmtree(folder / "tiles")
    copy(backup, folder)
    made = make_log(folder, settings=settings())
    await made.log.start()
    made.log.publisher._stop_signing("a witness knows more")
    require_forgotten(made, first, key_id)
    await made.log.stop()
    assert made.log.acts.store.find(act_id) is not None
    made.close()


def cut(data: bytes) -> bytes:
    return data[:-20]


def other_log(data: bytes) -> bytes:
    return data.replace(b"example.com/log", b"example.com/xyz")


def other_digest(data: bytes) -> bytes:
    place = data.index(b'"subjects[0]","') + 20
    return data[:place] + (b"A" if data[place : place + 1] != b"A" else b"B") + data[place + 1 :]


def with_mac(folder: Path, data: bytes) -> bytes:
    """Write a record anew as this log would have: what is refused then does not fit the log, whoever wrote it."""
    parts, keyring_database = make_parts(folder)
    parts.database.close()
    keyring_database.close()
    return encode_record(parse_unverified(data), parts.keyring.record_mac)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("change", [cut, other_log, other_digest])
async def test_a_record_that_can_not_be_believed_stops_the_start(
    tmp_path: Path, change: Callable[[bytes], bytes], signed: bool
) -> None:
    folder, backup = tmp_path / "log", tmp_path / "backup"
    await erased_log(folder, backup)
    copy(backup, folder)
    [record] = (folder / "erasures").iterdir()
    changed = change(record.read_bytes())
    record.write_bytes(with_mac(folder, changed) if signed and change is not cut else changed)
    with pytest.raises(StorageFault, match=r"fit|is of the log|no MAC|not an erasure record"):
        make_log(folder, settings=settings())


async def test_a_record_of_parts_under_another_key_destroys_no_key(tmp_path: Path) -> None:
    """As if it said whom it erased wrongly: neither that person's key may go, nor may it pass for done."""
    folder, backup = tmp_path / "log", tmp_path / "backup"
    await erased_log(folder, backup)
    copy(backup, folder)
    parts, keyring_database = make_parts(folder)
    keyring, records = parts.keyring, ErasureRecords(folder / "erasures", parts.keyring.record_mac)
    [record] = records.all()
    bert = keyring.find_person("subject", BERT.id)
    assert bert is not None
    for wrong in (bert, key_of(record) ^ 1):
        records.write(replace(record, key_id=wrong))
        with pytest.raises(StorageFault, match="entry 0 that is sealed under another key than the record says"):
            make_log(folder, settings=settings())
        assert keyring.find_person("subject", BERT.id) == bert
        assert keyring.find_person("subject", ANNA.id) == key_of(record)
    records.write(record)
    make_log(folder, settings=settings()).close()
    assert keyring.find_person("subject", ANNA.id) is None
    parts.database.close()
    keyring_database.close()

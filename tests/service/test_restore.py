"""A backup from before an erasure does not bring anybody back: not the parts, not the key, not in any file."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.audit.test_erasure_record import other_mac
from tests.cli.command import Command
from tests.cli.conftest import tlog
from tests.cli.test_backup import back_up, fill
from tests.cli.test_restore import arguments
from tests.conftest import NewUrl
from tests.service.older import new_databases
from tests.service.restored import backed_up, require_whole, restored
from tests.service.test_erasure import ANNA, BERT, about, append, asked, dpo, erasures, opened, settings
from tests.service.traces import files_of, found, key_traces
from tests.support import running_log
from tlog.audit.erasure_record import ErasedPart, ErasureRecord, encode_record
from tlog.cli.data_folder import open_folder
from tlog.errors import StorageFault
from tlog.service.erasure import Erasure
from tlog.service.erasure_request import ErasureRequest, Person
from tlog.service.log import Log
from tlog.service.log_parts import now_us
from tlog.service.principal import of_token
from tlog.service.restored_records import merged
from tlog.storage.roles import Role
from tlog.storage.token_store import TokenStore, token_for

__all__ = ["tlog"]  # a fixture
MARKER = "p-4711"
INVENTED = "01a20642-cbbc-728e-bf2b-3ea96f9ffe23"


@pytest.fixture
def log(tlog: Command, tmp_path: Path) -> Path:
    """A new data folder whose first entry is the test's own: nothing is noted of the first admin's link."""
    tlog("init", tmp_path / "log", "--origin", "example.com/log")
    shutil.rmtree(tmp_path / "log" / "notes")
    return tmp_path / "log"


def erase(folder: Path) -> Erasure:
    async def run() -> Erasure:
        with open_folder(folder) as opened:
            token, _ = TokenStore(opened.parts.database, now_us).issue(token_for(Role.AUDITOR, "officer"))
            running = Log(opened.parts)
            await running.start()
            try:
                assert running.erasures is not None
                asked = ErasureRequest(Person("subject", MARKER), "GDPR Art. 17(1)(b)", "officer")
                return await running.erasures.request(asked, of_token(token))
            finally:
                await running.stop()

    return asyncio.run(run())


def rows(file: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
        return [row[0] for row in database.execute(query)]


def sealed(made: tuple[Path, Path]) -> list[bytes]:
    """Everything in a backup of which nothing may be left: the subject's parts, the shared parts, their key."""
    parts = "SELECT ciphertext FROM personal WHERE part = 1 UNION ALL SELECT shared FROM entries"
    key_ids = rows(made[0] / "log.sqlite3", "SELECT DISTINCT key_id FROM personal WHERE part = 1")
    query = f"SELECT wrapped FROM person_keys WHERE key_id = {key_ids[0]}"  # noqa: S608 - a number
    wrapped = rows(made[1] / "keyring.sqlite3", query)
    assert len(key_ids) == len(wrapped) == 1
    return [*rows(made[0] / "log.sqlite3", parts), *wrapped]


def require_gone(folder: Path, traces: list[bytes]) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        data = path.read_bytes()
        assert not any(trace in data for trace in traces), path


@pytest.mark.parametrize("keyring", ["from before", "from after"])
def test_what_was_erased_since_stays_erased(keyring: str, tlog: Command, log: Path, tmp_path: Path) -> None:
    fill(log, 40)
    made = back_up(tlog, log)
    traces = sealed(made)
    assert len(traces) == 81
    assert erase(log).status == "done"
    if keyring == "from after":
        made = made[0], back_up(tlog, log)[1]
    to = tmp_path / "r"
    outcome = tlog(*arguments(log, made, to), "--erasures", log, "--json")
    said = outcome.json
    assert set(json.loads(outcome.err.splitlines()[0])) == {"notice"}, "no line of a service's log"
    assert (said["erasure_records"], said["later_erasure_records"]) == (1, 1)
    require_gone(to, traces)
    report = tlog("fsck", to, "--json").json
    assert (report["ok"], report["size"]) == (True, 40)
    with open_folder(to) as opened:
        reader = Log(opened.parts).entries
        for index in range(40):
            found = reader.opened(reader.stored(index))
            assert found.erased == ("subjects[0]", "shared")
            assert MARKER not in json.dumps(found.entry)


async def test_what_was_erased_since_stays_erased_on_every_database(
    tmp_path: Path, new_url: NewUrl, request: pytest.FixtureRequest
) -> None:
    live = new_databases(new_url)
    async with running_log(tmp_path / "log", settings=settings(), urls=live.urls) as made:
        await append(made, about(ANNA.id), about(ANNA.id, BERT.id))
        traces = key_traces(made, "subject", ANNA.id)
        backup = await asyncio.to_thread(backed_up, tmp_path / "log", live, tmp_path / "b")
        await erasures(made).request(asked(), dpo(made))
    later = [tmp_path / "log" / "erasures"]
    back = restored(backup, tmp_path / "log", tmp_path / "r", new_databases(new_url).urls, later)
    require_whole(back)
    assert [opened(back, index).erased for index in (0, 1)] == [("subjects[0]", "shared")] * 2
    assert back.parts.keyring.find_person("subject", ANNA.id) is None
    assert found(traces, files_of(back, request)()) == []
    back.close()


def test_without_the_records_it_would_have_come_back(tlog: Command, log: Path, tmp_path: Path) -> None:
    """What the flag is for: with it nothing is erased again, which shows that the test above can fail."""
    fill(log, 5)
    made = back_up(tlog, log)
    erase(log)
    tlog(*arguments(log, made, tmp_path / "r"), "--no-later-erasures")
    with open_folder(tmp_path / "r") as opened:
        reader = Log(opened.parts).entries
        assert MARKER in json.dumps(reader.opened(reader.stored(0)).entry)


def test_an_erasure_during_the_backup_is_in_its_records(tlog: Command, log: Path, tmp_path: Path) -> None:
    """Entries from before an erasure, records from after: as if it was erased between the two copies."""
    fill(log, 10)
    before = back_up(tlog, log)
    erase(log)
    entries, keyring = back_up(tlog, log)
    assert len(list((entries / "erasures").iterdir())) == 1
    to = tmp_path / "r"
    tlog(*arguments(log, (before[0], keyring), to), "--erasures", entries / "erasures")
    assert tlog("fsck", to, "--json").json["ok"] is True
    tlog(*arguments(log, (entries, keyring), tmp_path / "r2"), "--no-later-erasures")
    assert tlog("fsck", tmp_path / "r2", "--json").json["entries_opened"] == 11


def test_records_older_than_the_backup_are_refused(tlog: Command, log: Path, tmp_path: Path) -> None:
    fill(log, 3)
    shutil.copytree(log / "erasures", tmp_path / "old")
    erase(log)
    made = back_up(tlog, log)
    refused = tlog(*arguments(log, made, tmp_path / "r"), "--erasures", tmp_path / "old", code=1).err
    assert "older than the backup" in refused
    assert not (tmp_path / "r").exists()
    both = ("--erasures", tmp_path / "old", "--erasures", log / "erasures", "--no-later-erasures")
    tlog(*arguments(log, made, tmp_path / "r"), *both)


def test_a_finished_folder_without_records_does_not_open(tlog: Command, log: Path, tmp_path: Path) -> None:
    fill(log, 3)
    tlog(*arguments(log, back_up(tlog, log), tmp_path / "r"), "--no-later-erasures")
    (tmp_path / "r" / "erasures").rmdir()
    assert "is missing" in tlog("serve", tmp_path / "r", "--port", "0", code=1).err


def test_records_that_contradict_each_other_are_refused() -> None:
    one = ErasureRecord(
        version=1, origin="o", act="a", kind="erasure", at=1, key_id=1, parts=[ErasedPart.of(1, "shared", b"\0")]
    )
    other = replace(one, parts=[ErasedPart.of(0, "shared", b"\0")])
    assert [part.index for part in merged(one, other).parts] == [0, 1]
    assert merged(None, one) == merged(one, one) == one
    with pytest.raises(StorageFault, match="contradict"):
        merged(one, replace(one, key_id=2))


def invented(folder: Path) -> bytes:
    """An expiry of this month, as somebody who has no key of the log would write it."""
    with open_folder(folder) as opened:
        [cohort] = opened.parts.keyring.cohort_names()
    record = ErasureRecord(
        version=1, origin="example.com/log", act=INVENTED, kind="expiry", at=1_800_000_000_000_000, cohort=cohort
    )
    return encode_record(record, other_mac)


def require_no_start(folder: Path) -> None:
    with open_folder(folder) as opened, pytest.raises(StorageFault, match="its MAC does not fit"):
        Log(opened.parts)


def other_key(data: bytes) -> bytes:
    found = re.search(rb'"key_id":([0-9]+)', data)
    assert found is not None
    return data.replace(found[1], str(int(found[1]) ^ 1).encode(), 1)


def no_digests(data: bytes) -> bytes:
    return re.sub(rb'(\[[0-9]+,"[a-z0-9\[\]]+",)"[^"]+"\]', rb'\1"Ag=="]', data)


@pytest.mark.parametrize("change", [other_key, no_digests])
def test_a_record_that_was_changed_restores_nothing(
    change: Callable[[bytes], bytes], tlog: Command, log: Path, tmp_path: Path
) -> None:
    fill(log, 4)
    made = back_up(tlog, log)
    erase(log)
    [record] = (log / "erasures").iterdir()
    good = record.read_bytes()
    record.write_bytes(change(good))
    assert record.read_bytes() != good
    refused = tlog(*arguments(log, made, tmp_path / "r"), "--erasures", log, code=1).err.replace("\n", " ")
    assert record.name in refused.replace(" ", "")
    assert "its MAC does not fit" in refused
    assert not (tmp_path / "r").exists()
    require_no_start(log)
    record.write_bytes(good)
    tlog(*arguments(log, made, tmp_path / "r"), "--erasures", log)


def test_an_invented_record_destroys_nothing(tlog: Command, log: Path, tmp_path: Path) -> None:
    fill(log, 4)
    made = back_up(tlog, log)
    (log / "erasures" / f"{INVENTED}.json").write_bytes(invented(log))
    require_no_start(log)
    refused = tlog(*arguments(log, made, tmp_path / "r"), "--erasures", log, code=1).err.replace("\n", " ")
    assert "MAC does not fit" in refused
    assert not (tmp_path / "r").exists()
    (log / "erasures" / f"{INVENTED}.json").unlink()
    assert tlog("fsck", log, "--json").json["entries_opened"] == 4


def test_records_hold_though_every_key_was_rotated(tlog: Command, log: Path, tmp_path: Path) -> None:
    """A keyring from before an erasure and two rotations believes the record, and so does the keyring of today."""
    fill(log, 4)
    before = back_up(tlog, log)
    old_keys = tmp_path / "old-keys"
    shutil.copytree(log / "keys", old_keys)
    erase(log)
    for what in ("kek", "person-hash"):
        tlog("key", "rotate", what, log)
    assert tlog("fsck", log, "--json").json["ok"] is True
    after = back_up(tlog, log)
    given = ["restore", "--entries", before[0], "--erasures", log]
    tlog(*given, "--keyring", before[1], "--keys", old_keys, "--to", tmp_path / "r1")
    tlog(*given, "--keyring", after[1], "--keys", log / "keys", "--to", tmp_path / "r2")
    for to in (tmp_path / "r1", tmp_path / "r2"):
        assert tlog("fsck", to, "--json").json["ok"] is True

"""A backup from before an erasure does not bring anybody back: not the parts, not the key, not in any file."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Command
from tests.cli.conftest import log, tlog
from tests.cli.test_backup import back_up, fill
from tests.cli.test_restore import arguments
from tlog.cli.data_folder import open_folder
from tlog.errors import StorageFault
from tlog.service.erasure import Erasure, ErasureRequest, Person
from tlog.service.log import Log, now_us
from tlog.storage.token_store import TokenKind, TokenStore

__all__ = ["log", "tlog"]  # fixtures
MARKER = "p-4711"


def erase(folder: Path) -> Erasure:
    async def run() -> Erasure:
        with open_folder(folder) as opened:
            token, _ = TokenStore(opened.parts.database, now_us).issue(TokenKind.AUDITOR, "officer")
            running = Log(opened.parts)
            await running.start()
            try:
                assert running.erasures is not None
                asked = ErasureRequest(Person("subject", MARKER), "GDPR Art. 17(1)(b)", "officer")
                return await running.erasures.request(asked, token)
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
    from msgspec.structs import replace  # noqa: PLC0415

    from tlog.audit.erasure_record import ErasedPart, ErasureRecord  # noqa: PLC0415
    from tlog.service.restore import _merged  # noqa: PLC0415

    one = ErasureRecord(
        version=1, origin="o", act="a", kind="erasure", at=1, key_id=1, parts=[ErasedPart.of(1, "shared", b"\0")]
    )
    other = replace(one, parts=[ErasedPart.of(0, "shared", b"\0")])
    assert [part.index for part in _merged(one, other).parts] == [0, 1]
    with pytest.raises(StorageFault, match="contradict"):
        _merged(one, replace(one, key_id=2))

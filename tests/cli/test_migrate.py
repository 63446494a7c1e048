from __future__ import annotations

from pathlib import Path

from tests.cli.command import Command
from tests.service.erased import run
from tests.support import append_request
from tlog.cli.data_folder import open_folder
from tlog.service.intake import read_request
from tlog.service.sealer import Sealer
from tlog.storage.append_store import AppendStore


def test_index_terms_are_made_for_entries_that_have_none(tlog: Command, log: Path) -> None:
    with open_folder(log) as opened:
        parts = opened.parts
        sealed = Sealer(parts.keyring, parts.now, parts.random).seal_rows(read_request(append_request(3)))
        AppendStore(parts.database).append([sealed])
        run(parts.database, ["UPDATE entries SET terms = NULL", "DELETE FROM terms"])
    assert "'tlog migrate' makes them" in tlog("fsck", log, code=1).err
    assert tlog("migrate", log, "--json").json | {"folder": ""} == {
        "folder": "",
        "current": True,
        "indexed": 3,
        "unreadable": 0,
    }
    assert "ok" in tlog("fsck", log).out
    assert tlog("migrate", log, "--json").json["indexed"] == 0


def test_entries_that_do_not_open_are_said(tlog: Command, log: Path) -> None:
    with open_folder(log) as opened:
        parts = opened.parts
        sealed = Sealer(parts.keyring, parts.now, parts.random).seal_rows(read_request(append_request(1)))
        AppendStore(parts.database).append([sealed])
        run(parts.database, ["UPDATE entries SET terms = NULL, core = zeroblob(60)", "DELETE FROM terms"])
    said = tlog("migrate", log)
    assert "1 entry can't be opened" in said.err
    assert "newest schema" in said.out

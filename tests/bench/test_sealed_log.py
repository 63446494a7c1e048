"""The log of made-up entries: it is really sealed, goes on where it stopped, and what it holds can be told again."""

from __future__ import annotations

import random
from pathlib import Path

from bench import sealed_log
from tlog.audit.opened import OpenedEntry
from tlog.cli.data_folder import open_folder
from tlog.service.entries import EntryReader
from tlog.storage.log_store import LogStore

SIZE = 300


def test_what_it_is_said_to_hold_is_what_opens_from_it(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    sealed_log.build(folder, SIZE)
    sealed_log.build(folder, SIZE)  # nothing is left to do
    with open_folder(folder) as opened:
        store = LogStore(opened.parts.database)
        assert store.state().size == SIZE
        rows = store.entries_at(range(SIZE))
        found = EntryReader(store, opened.parts.keyring).open_all([rows[index] for index in range(SIZE)])
    entries = [item.entry for item in found if isinstance(item, OpenedEntry)]
    known = sealed_log.some_entries(SIZE, 1, random.Random(1))
    assert [
        (entry["actor"]["id"], entry["targets"][0]["id"], entry["subjects"][0]["id"], entry["action"])
        for entry in entries
    ] == [(entry.actor.id, entry.targets[0].id, entry.subjects[0].id, entry.action) for entry in known]

"""Reading back what is left: of erased parts, of entries that were moved or have expired."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.erased import EXPIRE, erase_part, run
from tests.support import entry_document, make_parts
from tlog.audit.cohort import cohort_of
from tlog.audit.entry import Entry, parse_entry
from tlog.audit.opened import OpenedEntry
from tlog.errors import DecryptionFailed, Expired, NotFound
from tlog.keys.keyring import Keyring
from tlog.service.entries import EntryReader
from tlog.service.sealer import Sealer
from tlog.storage.append_store import AppendStore, NewRow, SealedRequest
from tlog.storage.database import Database
from tlog.storage.log_store import LogStore

ID = "019a52c8-2f64-7d1c-a3b8-000000000001"


class Bench:
    """One entry at index 0 with two subjects, a target and details; a bare leaf at 1."""

    def __init__(self, database: Database, keyring: Keyring, document: dict[str, Any], sealer: Sealer) -> None:
        self.database, self.keyring, self.document = database, keyring, document
        self.store = LogStore(database)
        self.reader = EntryReader(self.store, keyring)
        AppendStore(database).append([sealer.seal_rows([self.entry()]), SealedRequest([NewRow(bytes(32))], 0)])

    def entry(self, **changes: Any) -> Entry:
        return parse_entry(json.dumps(self.document | changes).encode())

    def opened(self) -> OpenedEntry:
        return self.reader.opened(self.reader.stored(0))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    parts, keyring_database = make_parts(tmp_path)
    document = entry_document(id=ID, subjects=[{"id": "p-1"}, {"id": "p-2"}], details={"note": "x"})
    yield Bench(parts.database, parts.keyring, document, Sealer(parts.keyring, parts.now, parts.random))
    parts.database.close()
    keyring_database.close()


def test_an_erased_subject_leaves_the_rest(bench: Bench) -> None:
    erase_part(bench.database, bench.keyring, 0, 2)
    opened = bench.opened()
    assert opened.erased == ("subjects[1]", "shared")
    assert opened.entry["subjects"] == [{"id": "p-1"}, None]
    assert opened.entry["actor"]["id"] == "e-1007"
    assert not {"targets", "details"} & opened.entry.keys()


def test_an_erased_actor_leaves_the_rest(bench: Bench) -> None:
    erase_part(bench.database, bench.keyring, 0, 0)
    opened = bench.opened()
    assert opened.erased == ("actor",)
    assert opened.entry["details"] == {"note": "x"}
    assert "actor" not in opened.entry


@pytest.mark.parametrize(("part", "erased"), [(2, ["subjects", "targets", "details"]), (0, ["actor"])])
def test_a_retry_of_an_erased_entry_is_compared_with_what_is_left(part: int, erased: list[str], bench: Bench) -> None:
    erase_part(bench.database, bench.keyring, 0, part)
    assert bench.reader.changed({0: bench.entry()}) == []
    others = {
        "subjects": [{"id": "p-1"}, {"id": "somebody else"}],
        "targets": [],
        "details": {"note": "y"},
        "actor": {"type": "employee", "id": "e-2"},
        "purpose": "other",
    }
    for name, value in others.items():
        assert bench.reader.changed({0: bench.entry(**{name: value})}) == ([] if name in erased else [0]), name
    if part == 2:
        assert bench.reader.changed({0: bench.entry(subjects=[{"id": "p-9"}, {"id": "p-2"}])}) == [0]


@pytest.mark.parametrize("part", [0, 1])
def test_a_key_that_is_destroyed_while_its_entry_is_read_is_no_damage(part: int, bench: Bench) -> None:
    """The race is forced: the row was read, and then somebody in it was erased."""
    before = bench.reader.stored(0)
    erase_part(bench.database, bench.keyring, 0, part)
    assert bench.reader.opened(before).erased == (("actor",) if part == 0 else ("subjects[0]", "shared"))


def test_a_key_that_is_lost_is_damage(bench: Bench) -> None:
    row = bench.reader.stored(0)
    assert row.personal[1].key_id is not None
    bench.keyring.destroy_person(row.personal[1].key_id)
    with pytest.raises(DecryptionFailed, match="digests were not kept"):
        bench.opened()


def test_an_expired_entry_names_the_act(bench: Bench) -> None:
    before = bench.reader.stored(0)
    run(bench.database, [statement.format(where="WHERE log_index = 0") for statement in EXPIRE])
    bench.keyring.destroy_cohort(cohort_of("standard", before.columns["received_at"]))
    for row in (bench.reader.stored(0), before):
        with pytest.raises(Expired) as expired:
            bench.reader.opened(row)
        assert expired.value.act == 1
    with pytest.raises(NotFound):
        bench.reader.opened(bench.reader.stored(1))


def test_a_moved_entry_opens_under_its_new_cohort_only(bench: Bench) -> None:
    run(bench.database, ["UPDATE entries SET cohort = 'standard/2020-01+1' WHERE log_index = 0"])
    with pytest.raises(DecryptionFailed, match="a key of the part core is not in the keyring"):
        bench.opened()
    bench.keyring.need_cohort("standard/2020-01+1")
    with pytest.raises(DecryptionFailed, match="does not open"):
        bench.opened()

"""The keyring: one key for each person in each role and for each cohort, durable before it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from os import urandom

import pytest

from tests.conftest import NewUrl
from tests.storage.conftest import open_new
from tests.support import entry_document
from tlog.audit.entry import Entry, parse_entry
from tlog.errors import ConfigurationInvalid, DecryptionFailed
from tlog.keys.keyring import Keyring, cohort_of
from tlog.keys.local_kek import LocalKek
from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore

NOVEMBER, DECEMBER = 1_795_000_000_000_000, 1_797_500_000_000_000


def entry(actor: str = "ada", *subjects: str, retention: str = "standard") -> Entry:
    document = entry_document(
        actor={"type": "employee", "id": actor}, subjects=[{"id": s} for s in subjects], retention=retention
    )
    return parse_entry(json.dumps(document).encode())


@pytest.fixture
def database(new_url: NewUrl) -> Iterator[Database]:
    database = open_new(new_url(), "keyring")
    yield database
    database.close()


@pytest.fixture
def kek() -> LocalKek:
    return LocalKek([urandom(32)], urandom)


@pytest.fixture
def keyring(database: Database, kek: LocalKek) -> Keyring:
    Keyring.create(KeyringStore(database), kek, urandom)
    return Keyring(KeyringStore(database), kek, urandom)


def test_the_cohort_is_the_retention_class_and_the_utc_month() -> None:
    assert cohort_of("standard", NOVEMBER) == "standard/2026-11"
    assert cohort_of("long", 1_798_761_599_999_999) == "long/2026-12"
    assert cohort_of("long", 1_798_761_600_000_000) == "long/2027-01"


def test_keys_differ_by_person_role_class_and_month(keyring: Keyring) -> None:
    entries = [entry("ada", "ada", "bob"), entry("bob", "ada", retention="long")]
    first, second = keyring.assign(entries, NOVEMBER)
    later = keyring.assign([entry("ada")], DECEMBER)[0]
    assert len(set(first.key_ids)) == 3
    assert first.keys.actor != first.keys.subjects[0], "an actor and a subject of one id have two keys"
    assert first.key_ids[1] == second.key_ids[1]
    assert first.keys.subjects[0] == second.keys.subjects[0]
    assert second.key_ids[0] != first.key_ids[2]
    assert len({first.keys.cohort, second.keys.cohort, later.keys.cohort}) == 3
    assert later.keys.actor == first.keys.actor


def test_two_processes_that_make_a_key_at_once_use_the_same(
    database: Database, kek: LocalKek, keyring: Keyring
) -> None:
    other = Keyring(KeyringStore(database), kek, urandom)
    mine, theirs = keyring.assign([entry("ada", "bob")], NOVEMBER), other.assign([entry("ada", "bob")], NOVEMBER)
    assert mine == theirs


def test_what_was_assigned_is_found_again_after_a_restart(database: Database, kek: LocalKek, keyring: Keyring) -> None:
    assigned = keyring.assign([entry("ada", "bob")], NOVEMBER)[0]
    again = Keyring(KeyringStore(database), kek, urandom)
    keys = dict(zip(assigned.key_ids, (assigned.keys.actor, *assigned.keys.subjects), strict=True))
    assert again.person_keys([1, *assigned.key_ids]) == keys
    cohort = cohort_of("standard", NOVEMBER)
    assert again.cohort_keys([cohort, cohort_of("standard", DECEMBER)]) == {cohort: assigned.keys.cohort}


def test_the_keyring_holds_no_name_and_no_key_in_clear(database: Database, keyring: Keyring) -> None:
    assigned = keyring.assign([entry("ada lovelace", "bob ross")], NOVEMBER)[0]
    rows = ""
    with database.read() as connection:
        for table in ("person_keys", "cohort_keys", "keyring_secrets"):
            rows += repr(connection.exec_driver_sql(f"SELECT * FROM {table}").fetchall())  # noqa: S608
    for secret in (assigned.keys.actor, assigned.keys.cohort, *assigned.keys.subjects):
        assert repr(secret)[2:-1] not in rows
    assert "lovelace" not in rows
    assert "ross" not in rows


def test_another_kek_opens_nothing(database: Database, keyring: Keyring) -> None:
    with pytest.raises(DecryptionFailed):
        Keyring(KeyringStore(database), LocalKek([urandom(32)], urandom), urandom)


def test_an_empty_keyring_is_refused(database: Database, kek: LocalKek) -> None:
    with pytest.raises(ConfigurationInvalid, match="tlog init"):
        Keyring(KeyringStore(database), kek, urandom)

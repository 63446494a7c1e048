from __future__ import annotations

import pytest

from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore, WrappedPersonKey


@pytest.fixture
def keyring(keyring_database: Database) -> KeyringStore:
    return KeyringStore(keyring_database)


def test_secrets(keyring: KeyringStore) -> None:
    assert keyring.secret("person-hash") is None
    keyring.add_secret("person-hash", b"wrapped")
    assert keyring.secret("person-hash") == b"wrapped"


def test_a_cohort_key_is_never_replaced(keyring: KeyringStore) -> None:
    """Two front ends make the key of a new month at once: both must go on with the one that is stored."""
    assert keyring.add_cohorts({"standard/2026-11": b"first"}) == {"standard/2026-11": b"first"}
    assert keyring.add_cohorts({"standard/2026-11": b"second", "x/2026-11": b"x"}) == {
        "standard/2026-11": b"first",
        "x/2026-11": b"x",
    }
    assert keyring.cohorts(["nobody"]) == {}


def test_a_person_key_is_never_replaced(keyring: KeyringStore) -> None:
    first = WrappedPersonKey(1, b"p" * 32, b"first")
    assert keyring.add_persons([first]) == {b"p" * 32: first}
    assert keyring.add_persons([WrappedPersonKey(2, b"p" * 32, b"second")]) == {b"p" * 32: first}
    assert keyring.persons_by_id([1, 2]) == {1: first}


def test_many_persons_in_one_look_up(keyring: KeyringStore) -> None:
    keys = [WrappedPersonKey(i, i.to_bytes(32), b"k%d" % i) for i in range(1, 1203)]
    assert len(keyring.add_persons(keys)) == 1202
    assert len(keyring.persons([i.to_bytes(32) for i in range(1203)])) == 1202

"""Rotation of the keyring's keys: nothing is lost, at whatever point it is interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import NewUrl
from tlog.errors import ConfigurationInvalid, Unavailable
from tlog.keys.kek import KeyEncryptionProvider
from tlog.keys.kek_settings import KekSettings, open_kek
from tlog.keys.keyring import Keyring
from tlog.keys.local_kek import create_local_kek
from tlog.service.key_rotation import (
    destroy_previous_keks,
    outdated,
    replace_kek_file,
    rewrap,
    rotate_person_hash,
)
from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore
from tlog.storage.migrate import upgrade

PERSONS = 1203


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "log" / "keys"
    folder.mkdir(parents=True, mode=0o700)
    create_local_kek(folder / "kek.key", os.urandom)
    return folder


@pytest.fixture
def open_keyring(keys: Path, new_url: NewUrl) -> Callable[[], tuple[Database, Keyring]]:
    url = new_url()
    database = Database(url, create=url.startswith("sqlite"))
    upgrade(database, "keyring")
    Keyring.create(KeyringStore(database), _kek(keys), os.urandom)
    return lambda: (database, Keyring(KeyringStore(database), _kek(keys), os.urandom))


def _kek(keys: Path) -> KeyEncryptionProvider:
    return open_kek(KekSettings(), keys.parent, os.urandom)


def test_a_rotated_kek_opens_every_key_without_the_old_one(
    keys: Path, open_keyring: Callable[[], tuple[Database, Keyring]]
) -> None:
    database, ring = open_keyring()
    try:
        ids = [ring.need_person("subject", str(number)) for number in range(PERSONS)]
        before = (ring.person_keys(ids), ring.need_cohort("a/2026-01"), ring.record_mac(b"text"))
        ring.need_cohort("gone/2026-01")
        ring.destroy_cohort("gone/2026-01")
        replace_kek_file(keys, os.urandom)
        provider = _kek(keys)
        with pytest.raises(ConfigurationInvalid, match="wrapped under an older KEK"):
            destroy_previous_keks(keys, database, provider)

        rewrap(database, provider)
        assert outdated(database, provider) == 0
        assert len(destroy_previous_keks(keys, database, provider)) == 1
        _, ring = open_keyring()
        assert (ring.person_keys(ids), ring.need_cohort("a/2026-01"), ring.record_mac(b"text")) == before
        assert ring.destroyed_cohorts(["gone/2026-01"]) == {"gone/2026-01"}
    finally:
        database.close()


def test_interrupted_between_pages_both_keks_open_and_the_next_run_goes_on(
    keys: Path, open_keyring: Callable[[], tuple[Database, Keyring]]
) -> None:
    database, ring = open_keyring()
    try:
        ids = [ring.need_person("subject", str(number)) for number in range(PERSONS)]
        before = ring.person_keys(ids)
        replace_kek_file(keys, os.urandom)

        def stop(done: int, total: int) -> None:
            if done > 600:
                raise Unavailable("power cut")

        with pytest.raises(Unavailable, match="power cut"):
            rewrap(database, _kek(keys), stop)
        assert 0 < outdated(database, _kek(keys)) < PERSONS
        assert open_keyring()[1].person_keys(ids) == before
        rewrap(database, _kek(keys))
        assert outdated(database, _kek(keys)) == 0
        assert open_keyring()[1].person_keys(ids) == before
    finally:
        database.close()


@pytest.mark.parametrize("left", [b"", b"short", b"\x5a" * 32])
def test_a_kek_file_whose_replacement_was_interrupted_is_replaced(keys: Path, left: bytes) -> None:
    wrapped = _kek(keys).wrap_many([b"k" * 32], b"")
    fresh = keys / "kek-next.key"
    fresh.write_bytes(left)
    fresh.chmod(0o600)
    assert _kek(keys).unwrap_many(wrapped, b"") == [b"k" * 32]

    replace_kek_file(keys, os.urandom)

    assert not fresh.exists()
    assert not _kek(keys).is_current(wrapped[0])
    assert _kek(keys).unwrap_many(wrapped, b"") == [b"k" * 32]


def test_a_new_person_hash_finds_everybody_and_no_old_hash_stays(
    open_keyring: Callable[[], tuple[Database, Keyring]], keys: Path
) -> None:
    database, ring = open_keyring()
    try:
        ids = [ring.need_person("subject", str(number)) for number in range(PERSONS)]
        ring.withdraw_person(ids[0])
        store = KeyringStore(database)
        mac = ring.record_mac(b"text")
        hashes = {person.person_hash for person in store.persons_by_id(ids).values()} - {None}
        for _ in range(2):
            assert rotate_person_hash(database, _kek(keys), os.urandom) == PERSONS - 1
        _, ring = open_keyring()
        assert [ring.find_person("subject", str(number)) for number in range(PERSONS)] == [None, *ids[1:]]
        assert ring.record_mac(b"text") == mac
        assert not hashes & {person.person_hash for person in store.persons_by_id(ids).values()}
        assert sorted(store.secrets("person-hash")) == ["person-hash", "person-hash-2", "person-hash-3"]
    finally:
        database.close()

"""The keyring: one key for each person in each role and for each cohort, durable before it is used."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from os import urandom

import msgspec
import pytest
from sqlalchemy import update

from tests.conftest import NewUrl
from tests.storage.conftest import open_new
from tests.support import entry_document
from tlog.audit.cohort import cohort_of
from tlog.audit.entry import Entry, parse_entry
from tlog.errors import ClockBehind, ConfigurationInvalid, DecryptionFailed
from tlog.keys.keyring import SECRET_CONTEXT, Keyring, actor_identity
from tlog.keys.local_kek import LocalKek
from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore
from tlog.storage.tables import person_keys

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
    assert (mine[0].made, theirs[0].made) == (mine[0].key_ids, ())
    assert (
        keyring.assign([entry("ada", "eve")], NOVEMBER)[0].made
        == keyring.assign([entry("x", "eve")], NOVEMBER)[0].key_ids[1:]
    )


def test_a_key_that_is_read_while_it_is_destroyed_is_not_kept_in_memory(
    database: Database, kek: LocalKek, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forced: somebody asks for it after destroying began and before it is gone."""
    keyring = Keyring(KeyringStore(database), kek, urandom)
    key_ids = keyring.assign([entry("ada", "bob")], NOVEMBER)[0].key_ids
    for name, destroy in (
        ("destroy_persons", lambda: keyring.destroy_persons(key_ids)),
        ("destroy_person", lambda: keyring.destroy_person(keyring.need_person("subject", "bob"))),
        ("destroy_cohort", lambda: keyring.destroy_cohort(cohort_of("standard", NOVEMBER))),
    ):
        inner = getattr(KeyringStore, name)

        def late(store: KeyringStore, what: object, inner: Callable[..., object] = inner) -> object:
            keyring.assign([entry("ada", "bob")], NOVEMBER)
            return inner(store, what)

        with monkeypatch.context() as patched:
            patched.setattr(KeyringStore, name, late)
            destroy()
        assert (len(keyring._persons), len(keyring._cohorts)) == (0, 0), name


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


def test_who_comes_back_after_a_withdrawal_gets_another_key(keyring: Keyring) -> None:
    before = keyring.assign([entry("ada", "bob")], NOVEMBER)[0]
    bob = before.key_ids[1]
    assert keyring.find_person("subject", "bob") == bob
    keyring.withdraw_person(bob)
    keyring.withdraw_person(bob)
    assert keyring.find_person("subject", "bob") is None
    assert keyring.person_keys([bob]) == {bob: before.keys.subjects[0]}, "withdrawn, it opens still"
    after = keyring.assign([entry("ada", "bob")], NOVEMBER)[0]
    assert after.key_ids[0] == before.key_ids[0]
    assert after.key_ids[1] != bob
    assert after.keys.subjects[0] != before.keys.subjects[0]
    assert keyring.destroy_person(bob)
    assert not keyring.destroy_person(bob)
    assert set(keyring.person_keys([bob, after.key_ids[1]])) == {after.key_ids[1]}


def test_a_new_epoch_drops_what_another_process_withdrew(database: Database, kek: LocalKek, keyring: Keyring) -> None:
    """A sealing process has the key in memory; it hears of the withdrawal by the epoch that comes with a request."""
    other = Keyring(KeyringStore(database), kek, urandom)
    before = other.assign([entry("ada", "bob")], NOVEMBER, 0)[0]
    keyring.withdraw_person(before.key_ids[1])
    assert other.assign([entry("ada", "bob")], NOVEMBER, 0)[0] == before, "of an old epoch: refused when it is stored"
    after = other.assign([entry("ada", "bob")], NOVEMBER, 1)[0]
    assert after.key_ids[1] != before.key_ids[1]
    assert other.assign([entry("ada", "bob")], NOVEMBER, 0)[0] == after, "an older request brings nothing back"
    assert keyring.find_person("subject", "bob") == after.key_ids[1]


def test_a_person_is_found_in_their_role_only(keyring: Keyring) -> None:
    assert keyring.find_person("actor", actor_identity("employee", "ada")) is None
    made = keyring.need_person("subject", "ada")
    assert keyring.need_person("subject", "ada") == made
    assert keyring.find_person("actor", actor_identity("employee", "ada")) is None
    assigned = keyring.assign([entry("ada", "ada")], NOVEMBER)[0]
    assert assigned.key_ids == (keyring.find_person("actor", actor_identity("employee", "ada")), made)


def test_a_destroyed_cohort_never_gets_another_key(database: Database, kek: LocalKek, keyring: Keyring) -> None:
    other = Keyring(KeyringStore(database), kek, urandom)
    other.assign([entry()], NOVEMBER)
    name = cohort_of("standard", NOVEMBER)
    assert keyring.need_cohort(name) == other.assign([entry()], NOVEMBER)[0].keys.cohort
    assert keyring.destroy_cohort(name)
    assert not keyring.destroy_cohort(name)
    assert keyring.cohort_keys([name]) == {}
    for refused in (lambda: keyring.need_cohort(name), lambda: other.assign([entry()], NOVEMBER, 1)):
        with pytest.raises(ClockBehind, match=name):
            refused()
    assert other.assign([entry()], DECEMBER, 1)


def test_a_cohort_without_a_key_can_be_destroyed_too(keyring: Keyring) -> None:
    assert not keyring.destroy_cohort("long/2020-01")
    with pytest.raises(ClockBehind):
        keyring.need_cohort("long/2020-01")


def test_the_person_hash_may_be_a_chain(database: Database, kek: LocalKek, keyring: Keyring) -> None:
    """After a rotation a person is known by the hash of the hash: HMAC(k3, HMAC(k2, HMAC(k1, id)))."""
    ada = keyring.need_person("subject", "ada")
    first = kek.unwrap_many([KeyringStore(database).secret("person-hash") or b""], SECRET_CONTEXT)[0]
    more = [urandom(32) for _ in range(10)]
    for number, key in enumerate(more, 2):
        KeyringStore(database).add_secret(f"person-hash-{number}", kek.wrap_many([key], SECRET_CONTEXT)[0])
    rotated = Keyring(KeyringStore(database), kek, urandom)
    assert rotated.find_person("subject", "ada") is None
    value = b"subject\0ada"
    for key in (first, *more):
        value = hmac.digest(key, value, "sha256")
    with database.write() as connection:
        connection.execute(update(person_keys).values(person_hash=value))
    assert rotated.find_person("subject", "ada") == ada
    assert rotated.need_person("subject", "ada") == ada


def test_terms_are_keyed_truncated_hashes(database: Database, kek: LocalKek, keyring: Keyring) -> None:
    key = kek.unwrap_many([KeyringStore(database).secret("index-terms") or b""], SECRET_CONTEXT)[0]

    def term(message: bytes) -> int:
        return int.from_bytes(hmac.digest(key, message, "sha256")[:8], signed=True)

    one = parse_entry(
        json.dumps(
            entry_document(
                targets=[{"type": "record", "id": "r-1"}, {"type": "case", "id": "ü"}, {"type": "record", "id": "r-1"}],
                correlation={"trace_id": "t", "request_id": "t"},
            )
        ).encode()
    )
    expected = (term(b"target\0record\0r-1"), term("target\0case\0ü".encode()), term(b"correlation\0t"))
    assert keyring.terms_of(one) == expected
    assert (keyring.target_term("record", "r-1"), keyring.correlation_term("t")) == (expected[0], expected[2])
    document = json.loads(msgspec.json.encode(one))
    assert keyring.terms_of_document(document) == expected
    assert keyring.terms_of_document({}) == ()
    assert keyring.terms_of(parse_entry(json.dumps(entry_document(targets=[])).encode())) == ()
    assert Keyring(KeyringStore(database), kek, urandom).terms_of(one) == expected


def test_two_processes_that_make_a_secret_at_once_use_the_same(database: Database, kek: LocalKek) -> None:
    """The race is forced: the second one reads before the first one writes."""
    Keyring.create(KeyringStore(database), kek, urandom)
    first: list[Keyring] = []

    class Late(KeyringStore):
        def need_secret(self, name: str, wrapped: bytes) -> bytes:
            if not first:
                first.append(Keyring(KeyringStore(database), kek, urandom))
            return super().need_secret(name, wrapped)

    second = Keyring(Late(database), kek, urandom)
    assert first[0].correlation_term("t") == second.correlation_term("t")
    assert second.open_payload(first[0].seal_payload(b"who and why", b"act"), b"act") == b"who and why"


def test_what_an_act_says_opens_under_its_own_id_only(keyring: Keyring) -> None:
    sealed = keyring.seal_payload(b"who and why", b"act 1")
    assert keyring.open_payload(sealed, b"act 1") == b"who and why"
    assert b"why" not in sealed
    for data, context in ((sealed, b"act 2"), (sealed[:-1], b"act 1"), (b"", b"act 1"), (sealed[1:], b"act 1")):
        with pytest.raises(DecryptionFailed):
            keyring.open_payload(data, context)


def test_the_secret_of_erasure_records_is_there_from_the_start_and_is_its_own(
    database: Database, kek: LocalKek, keyring: Keyring
) -> None:
    """A keyring's oldest backup must believe the records of all that was erased since."""
    fresh = sorted(KeyringStore(database).secrets(""))
    assert {"person-hash", "erasure-records"} <= set(fresh)
    again = Keyring(KeyringStore(database), kek, urandom)
    assert again.record_mac(b"text") == keyring.record_mac(b"text")
    secret = kek.unwrap_many([KeyringStore(database).secret("erasure-records") or b""], SECRET_CONTEXT)[0]
    assert keyring.record_mac(b"text") == hmac.digest(secret, b"tlog-audit/v1 erasure record\ntext", "sha256")


def test_a_new_keyring_has_it_before_it_is_opened(database: Database, kek: LocalKek) -> None:
    Keyring.create(KeyringStore(database), kek, urandom)
    assert sorted(KeyringStore(database).secrets("")) == ["erasure-records", "person-hash"]

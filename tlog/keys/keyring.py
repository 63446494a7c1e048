"""The keyring: which data key each part of an entry is sealed under.

One cohort key for each retention class and month, one key for each person in each role: an actor and a
data subject of the same id have different keys, so that erasing one leaves the other. A person is found
by ``HMAC-SHA256(person-hash key, role ‖ 0x00 ‖ id)``; the key's `key_id` is random, so that a person who
returns after an erasure is not linked to the erased past. Where the person-hash key was rotated there is a chain
of them, ``HMAC(k2, HMAC(k1, …))``: nobody knows the ids any more that a new key alone would have to be applied to.

A key goes in two steps: *withdrawn*, it is found for nobody and still opens; *destroyed*, it is gone. In between the
log's epoch moves on (`tlog/storage/append_store.py`), and `assign` for a newer epoch drops what was cached.

A key is durable before anything is sealed under it: a crash in between leaves an unused key, never an
entry that nobody can open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlog.audit.cohort import cohort_of
from tlog.audit.entry import Entry
from tlog.audit.hmac_sha256 import HmacSha256
from tlog.audit.seal import EntryKeys
from tlog.errors import ClockBehind, ConfigurationInvalid, DecryptionFailed
from tlog.keys.index_terms import IndexTerms
from tlog.keys.kek import KeyEncryptionProvider
from tlog.storage.keyring_store import KeyringStore, WrappedPersonKey

KEY_BYTES = 32
PERSON_HASH_KEY = "person-hash"
_INDEX_TERM_KEY = "index-terms"
_ACT_KEY = "acts"
_RECORD_KEY = "erasure-records"
PERSON_CONTEXT = b"tlog-audit/v1 person key"
COHORT_CONTEXT = b"tlog-audit/v1 cohort key"
SECRET_CONTEXT = b"tlog-audit/v1 keyring secret"
PAYLOAD_CONTEXT = b"tlog-audit/v1 act\n"
RECORD_CONTEXT = b"tlog-audit/v1 erasure record\n"
_NONCE_BYTES = 12
_CACHED_PERSONS = 100_000


@dataclass(frozen=True, slots=True)
class AssignedKeys:
    """The keys of one entry and the names of its persons' keys: `key_ids[0]` the actor's, then each subject's.

    `made` are those that were made for this request.
    """

    keys: EntryKeys
    key_ids: tuple[int, ...]
    made: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class _Person:
    key_id: int
    key: bytes


def actor_identity(kind: str, identity: str) -> str:
    """Return how an actor of this type and id is named to the keyring."""
    return f"{kind}\0{identity}"


class Keyring:
    """Finds and makes data keys. Methods block (database, key-encryption provider); safe to use from threads."""

    def __init__(self, store: KeyringStore, provider: KeyEncryptionProvider, random: Callable[[int], bytes]) -> None:
        """Open a keyring that `create` made. Raises `ConfigurationInvalid`, `DecryptionFailed`."""
        self._store = store
        self._provider = provider
        self._random = random
        self._lock = threading.Lock()
        self._persons: OrderedDict[bytes, _Person] = OrderedDict()
        self._cohorts: dict[str, bytes] = {}
        self._epoch = 0
        self._person_hash = _person_hash(store, provider)
        self._terms = IndexTerms(self._need_secret(_INDEX_TERM_KEY))
        self._acts = AESGCM(self._need_secret(_ACT_KEY))
        self._records = HmacSha256(self._need_secret(_RECORD_KEY)).digest

    @staticmethod
    def create(store: KeyringStore, provider: KeyEncryptionProvider, random: Callable[[int], bytes]) -> None:
        """Make the keyring's own secrets, wrapped by `provider`: those that its oldest backup must have already."""
        for name in (PERSON_HASH_KEY, _RECORD_KEY):
            store.add_secret(name, provider.wrap_many([random(KEY_BYTES)], SECRET_CONTEXT)[0])

    def assign(self, entries: Sequence[Entry], received_at: int, epoch: int = 0) -> list[AssignedKeys]:
        """Return the keys to seal each entry under, making and storing the missing ones first.

        What is cached from an epoch before `epoch` is read again. Raises `ClockBehind` if the entries' cohort
        has expired already.
        """
        cohort_names = [cohort_of(entry.retention, received_at) for entry in entries]
        hashes = [self._person_hashes(entry) for entry in entries]
        with self._lock:
            self._enter(epoch)
            cohorts = self._need_cohorts(set(cohort_names))
            persons, made = self._need_persons({person for group in hashes for person in group})
        return [
            _assigned(cohorts[name], [persons[person] for person in group], made)
            for name, group in zip(cohort_names, hashes, strict=True)
        ]

    def cohort_keys(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the keys of those cohorts (`cohort_of`) that still have one."""
        wrapped = self._store.cohorts(sorted(set(names)))
        keys = self._provider.unwrap_many(list(wrapped.values()), COHORT_CONTEXT) if wrapped else []
        return dict(zip(wrapped, keys, strict=True))

    def person_keys(self, key_ids: Sequence[int]) -> dict[int, bytes]:
        """Return the keys of those `key_ids` that still have one."""
        found = self._store.persons_by_id(sorted(set(key_ids)))
        wrapped = [person.wrapped for person in found.values()]
        keys = self._provider.unwrap_many(wrapped, PERSON_CONTEXT) if wrapped else []
        return dict(zip(found, keys, strict=True))

    def terms_of(self, entry: Entry) -> tuple[int, ...]:
        """Return the blind index terms of an entry, each once."""
        return self._terms.of_entry(entry)

    def terms_of_document(self, document: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the blind index terms of an opened entry, each once; none where its shared part is erased."""
        return self._terms.of_document(document)

    def target_term(self, kind: str, identity: str) -> int:
        """Return the blind index term of a target."""
        return self._terms.target(kind, identity)

    def correlation_term(self, value: str) -> int:
        """Return the blind index term of a trace or request id."""
        return self._terms.correlation(value)

    def find_person(self, role: str, identity: str) -> int | None:
        """Return the `key_id` of a person who has a key, without making one.

        `role` is "actor", with `identity` made by `actor_identity`, or "subject", with the subject's id.
        """
        person = self._hash(role, identity)
        found = self._store.persons([person]).get(person)
        return found.key_id if found else None

    def need_person(self, role: str, identity: str) -> int:
        """Return the `key_id` of a person, making a key where there is none."""
        person = self._hash(role, identity)
        with self._lock:
            return self._load_persons([person])[0][person].key_id

    def add_unnamed_person(self) -> int:
        """Make a key that nobody is found by, and return its `key_id`."""
        [wrapped] = self._provider.wrap_many([self._random(KEY_BYTES)], PERSON_CONTEXT)
        key = WrappedPersonKey(int.from_bytes(self._random(8)) >> 1, None, wrapped)
        self._store.add_persons([key])
        return key.key_id

    def withdraw_person(self, key_id: int) -> None:
        """Take a person's key out of use; the log's epoch must move on before it is destroyed."""
        self._store.withdraw_person(key_id)
        self.drop_caches()

    def is_withdrawn(self, key_id: int) -> bool:
        """Tell whether a key is out of use, or gone."""
        person = self._store.persons_by_id([key_id]).get(key_id)
        return person is None or person.person_hash is None

    def destroy_person(self, key_id: int) -> bool:
        """Destroy a person's key. Returns whether it was there."""
        gone = self._store.destroy_person(key_id)
        self.drop_caches()  # now: who read it before has cached it
        return gone

    def need_cohort(self, name: str) -> bytes:
        """Return the key of a cohort, made if there is none. Raises `ClockBehind` where it was destroyed."""
        with self._lock:
            return self._need_cohorts({name})[name]

    def destroy_cohort(self, name: str) -> bool:
        """Destroy the key of a cohort, for good: its name never gets another. Returns whether it was there."""
        gone = self._store.destroy_cohort(name)
        self.drop_caches()
        return gone

    def scrub(self) -> None:
        """Remove what is left of destroyed keys in the database's files. Raises `Unavailable`."""
        self._store.scrub()

    def person_key_ids(self, after: int, limit: int) -> list[int]:
        """Return a page of the names of persons' keys, in ascending order."""
        return self._store.person_key_ids(after, limit)

    def destroy_persons(self, key_ids: Collection[int]) -> None:
        """Destroy the keys of several persons; durable on return."""
        self._store.destroy_persons(key_ids)
        self.drop_caches()

    def cohort_names(self) -> list[str]:
        """Return the names of all cohorts that have a key."""
        return self._store.cohort_names()

    def destroyed_cohorts(self, names: Sequence[str]) -> set[str]:
        """Return those of the cohorts whose key was destroyed."""
        return self._store.destroyed_cohorts(names)

    def drop_caches(self) -> None:
        """Forget every key in memory; they are read again as needed."""
        with self._lock:
            self._persons.clear()
            self._cohorts.clear()

    def seal_payload(self, data: bytes, context: bytes) -> bytes:
        """Return what an act says, encrypted; `context` (its id) must be given to open it."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._acts.encrypt(nonce, data, PAYLOAD_CONTEXT + context)

    def open_payload(self, sealed: bytes, context: bytes) -> bytes:
        """Return what `seal_payload` was given. Raises `DecryptionFailed`."""
        try:
            return self._acts.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], PAYLOAD_CONTEXT + context)
        except (InvalidTag, ValueError):
            raise DecryptionFailed("what an act says does not open under this keyring") from None

    def record_mac(self, text: bytes) -> bytes:
        """Return the 32-byte MAC of an erasure record's text. No rotation of keys changes it."""
        return self._records(RECORD_CONTEXT + text)

    def _enter(self, epoch: int) -> None:
        if epoch > self._epoch:
            self._epoch = epoch
            self._persons.clear()
            self._cohorts.clear()

    def _need_secret(self, name: str) -> bytes:
        wrapped = self._store.secret(name)
        if wrapped is None:
            fresh = self._provider.wrap_many([self._random(KEY_BYTES)], SECRET_CONTEXT)[0]
            wrapped = self._store.need_secret(name, fresh)
        return self._provider.unwrap_many([wrapped], SECRET_CONTEXT)[0]

    def _person_hashes(self, entry: Entry) -> list[bytes]:
        actor = self._hash("actor", actor_identity(entry.actor.type, entry.actor.id))
        return [actor, *(self._hash("subject", subject.id) for subject in entry.subjects or ())]

    def _hash(self, role: str, identity: str) -> bytes:
        return self._person_hash(f"{role}\0{identity}".encode())

    def _need_cohorts(self, names: set[str]) -> dict[str, bytes]:
        missing = sorted(names - self._cohorts.keys())
        if missing:
            wrapped = self._store.cohorts(missing)
            absent = [name for name in missing if name not in wrapped]
            if absent:
                fresh = self._provider.wrap_many([self._random(KEY_BYTES) for _ in absent], COHORT_CONTEXT)
                wrapped |= self._store.add_cohorts(dict(zip(absent, fresh, strict=True)))
                if expired := [name for name in absent if name not in wrapped]:
                    raise ClockBehind(f"the cohort {expired[0]} has expired, and nothing is stored in it any more")
            keys = self._provider.unwrap_many([wrapped[name] for name in missing], COHORT_CONTEXT)
            self._cohorts.update(zip(missing, keys, strict=True))
        return {name: self._cohorts[name] for name in names}

    def _need_persons(self, hashes: set[bytes]) -> tuple[dict[bytes, _Person], set[int]]:
        made: set[int] = set()
        found = {person: self._persons[person] for person in hashes if person in self._persons}
        missing = sorted(hashes - found.keys())
        if missing:
            loaded, made = self._load_persons(missing)
            found |= loaded
        for person in hashes:
            self._persons[person] = found[person]
            self._persons.move_to_end(person)
        while len(self._persons) > _CACHED_PERSONS:
            self._persons.popitem(last=False)
        return found, made

    def _load_persons(self, hashes: Sequence[bytes]) -> tuple[dict[bytes, _Person], set[int]]:
        """Return the keys of persons, and the `key_id`s of those that were made."""
        stored = self._store.persons(hashes)
        made: set[int] = set()
        absent = [person for person in hashes if person not in stored]
        if absent:
            wrapped = self._provider.wrap_many([self._random(KEY_BYTES) for _ in absent], PERSON_CONTEXT)
            fresh = [
                WrappedPersonKey(int.from_bytes(self._random(8)) >> 1, person, key)
                for person, key in zip(absent, wrapped, strict=True)
            ]
            stored |= self._store.add_persons(fresh)
            made = {key.key_id for key in fresh if key.person_hash and stored[key.person_hash].key_id == key.key_id}
        keys = self._provider.unwrap_many([stored[person].wrapped for person in hashes], PERSON_CONTEXT)
        return {p: _Person(stored[p].key_id, key) for p, key in zip(hashes, keys, strict=True)}, made


def _assigned(cohort: bytes, persons: Sequence[_Person], made: Collection[int]) -> AssignedKeys:
    keys = EntryKeys(cohort, persons[0].key, tuple(person.key for person in persons[1:]))
    key_ids = tuple(person.key_id for person in persons)
    return AssignedKeys(keys, key_ids, tuple(key_id for key_id in key_ids if key_id in made))


def _person_hash(store: KeyringStore, provider: KeyEncryptionProvider) -> Callable[[bytes], bytes]:
    wrapped = store.secrets(PERSON_HASH_KEY)
    if PERSON_HASH_KEY not in wrapped:
        raise ConfigurationInvalid("the keyring is empty; 'tlog init' makes it")
    names = sorted(wrapped, key=lambda name: (len(name), name))  # person-hash, person-hash-2, …, person-hash-10
    chain = [HmacSha256(key).digest for key in provider.unwrap_many([wrapped[n] for n in names], SECRET_CONTEXT)]
    if len(chain) == 1:
        return chain[0]
    return lambda message: reduce(lambda value, digest: digest(value), chain, message)

"""The keyring: which data key each part of an entry is sealed under.

One cohort key for each retention class and month, one key for each person in each role: an actor and a
data subject of the same id have different keys, so that erasing one leaves the other. A person is found
by ``HMAC-SHA256(person-hash key, role ‖ 0x00 ‖ id)``; the key's `key_id` is random, so that a person who
returns after an erasure is not linked to the erased past.

A key is durable before anything is sealed under it: a crash in between leaves an unused key, never an
entry that nobody can open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tlog.audit.entry import Entry
from tlog.audit.hmac_sha256 import HmacSha256
from tlog.audit.seal import EntryKeys
from tlog.errors import ConfigurationInvalid
from tlog.keys.kek import KeyEncryptionProvider
from tlog.storage.keyring_store import KeyringStore, WrappedPersonKey

KEY_BYTES = 32
_PERSON_HASH_KEY = "person-hash"
_PERSON_CONTEXT = b"tlog-audit/v1 person key"
_COHORT_CONTEXT = b"tlog-audit/v1 cohort key"
_SECRET_CONTEXT = b"tlog-audit/v1 keyring secret"
_CACHED_PERSONS = 100_000


@dataclass(frozen=True, slots=True)
class AssignedKeys:
    """The keys of one entry and the names of its persons' keys: `key_ids[0]` the actor's, then each subject's."""

    keys: EntryKeys
    key_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Person:
    key_id: int
    key: bytes


def cohort_of(retention: str, received_at: int) -> str:
    """Name the cohort of an entry: its retention class and the UTC month of `received_at` (microseconds)."""
    moment = datetime.fromtimestamp(received_at / 1_000_000, UTC)
    return f"{retention}/{moment:%Y-%m}"


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
        wrapped = store.secret(_PERSON_HASH_KEY)
        if wrapped is None:
            raise ConfigurationInvalid("the keyring is empty; 'tlog init' makes it")
        self._person_hash = HmacSha256(provider.unwrap_many([wrapped], _SECRET_CONTEXT)[0]).digest

    @staticmethod
    def create(store: KeyringStore, provider: KeyEncryptionProvider, random: Callable[[int], bytes]) -> None:
        """Make the keyring's own secret, wrapped by `provider`."""
        store.add_secret(_PERSON_HASH_KEY, provider.wrap_many([random(KEY_BYTES)], _SECRET_CONTEXT)[0])

    def assign(self, entries: Sequence[Entry], received_at: int) -> list[AssignedKeys]:
        """Return the keys to seal each entry under, making and storing the missing ones first."""
        cohort_names = [cohort_of(entry.retention, received_at) for entry in entries]
        hashes = [self._person_hashes(entry) for entry in entries]
        with self._lock:
            cohorts = self._need_cohorts(set(cohort_names))
            persons = self._need_persons({person for group in hashes for person in group})
        return [
            _assigned(cohorts[name], [persons[person] for person in group])
            for name, group in zip(cohort_names, hashes, strict=True)
        ]

    def cohort_keys(self, names: Sequence[str]) -> dict[str, bytes]:
        """Return the keys of those cohorts (`cohort_of`) that still have one."""
        wrapped = self._store.cohorts(sorted(set(names)))
        keys = self._provider.unwrap_many(list(wrapped.values()), _COHORT_CONTEXT) if wrapped else []
        return dict(zip(wrapped, keys, strict=True))

    def person_keys(self, key_ids: Sequence[int]) -> dict[int, bytes]:
        """Return the keys of those `key_ids` that still have one."""
        found = self._store.persons_by_id(sorted(set(key_ids)))
        wrapped = [person.wrapped for person in found.values()]
        keys = self._provider.unwrap_many(wrapped, _PERSON_CONTEXT) if wrapped else []
        return dict(zip(found, keys, strict=True))

    def _person_hashes(self, entry: Entry) -> list[bytes]:
        actor = self._hash("actor", f"{entry.actor.type}\0{entry.actor.id}")
        return [actor, *(self._hash("subject", subject.id) for subject in entry.subjects or ())]

    def _hash(self, role: str, identity: str) -> bytes:
        return self._person_hash(f"{role}\0{identity}".encode())

    def _need_cohorts(self, names: set[str]) -> dict[str, bytes]:
        missing = sorted(names - self._cohorts.keys())
        if missing:
            wrapped = self._store.cohorts(missing)
            absent = [name for name in missing if name not in wrapped]
            if absent:
                fresh = self._provider.wrap_many([self._random(KEY_BYTES) for _ in absent], _COHORT_CONTEXT)
                wrapped |= self._store.add_cohorts(dict(zip(absent, fresh, strict=True)))
            keys = self._provider.unwrap_many([wrapped[name] for name in missing], _COHORT_CONTEXT)
            self._cohorts.update(zip(missing, keys, strict=True))
        return {name: self._cohorts[name] for name in names}

    def _need_persons(self, hashes: set[bytes]) -> dict[bytes, _Person]:
        found = {person: self._persons[person] for person in hashes if person in self._persons}
        missing = sorted(hashes - found.keys())
        if missing:
            found |= self._load_persons(missing)
        for person in hashes:
            self._persons[person] = found[person]
            self._persons.move_to_end(person)
        while len(self._persons) > _CACHED_PERSONS:
            self._persons.popitem(last=False)
        return found

    def _load_persons(self, hashes: Sequence[bytes]) -> dict[bytes, _Person]:
        stored = self._store.persons(hashes)
        absent = [person for person in hashes if person not in stored]
        if absent:
            wrapped = self._provider.wrap_many([self._random(KEY_BYTES) for _ in absent], _PERSON_CONTEXT)
            fresh = [
                WrappedPersonKey(int.from_bytes(self._random(8)) >> 1, person, key)
                for person, key in zip(absent, wrapped, strict=True)
            ]
            stored |= self._store.add_persons(fresh)
        keys = self._provider.unwrap_many([stored[person].wrapped for person in hashes], _PERSON_CONTEXT)
        return {p: _Person(stored[p].key_id, key) for p, key in zip(hashes, keys, strict=True)}


def _assigned(cohort: bytes, persons: Sequence[_Person]) -> AssignedKeys:
    keys = EntryKeys(cohort, persons[0].key, tuple(person.key for person in persons[1:]))
    return AssignedKeys(keys, tuple(person.key_id for person in persons))

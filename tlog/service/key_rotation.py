"""Rotation of the keyring's keys, with the log stopped: nothing else writes to the keyring meanwhile.

KEK: a new version, then every wrapped key is unwrapped and wrapped again in pages; no entry is touched. Interrupted
at any point, every key still unwraps under the old or the new version, and the next run goes on: it begins a new
version only where everything is wrapped under the current one.

Person-hash key: the new hash is HMAC(new key, old hash), since nobody knows the ids; one transaction with the new key.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tlog.audit.hmac_sha256 import HmacSha256
from tlog.errors import ConfigurationInvalid
from tlog.keys.kek import KeyEncryptionProvider, rewrap_many
from tlog.keys.kek_settings import KEK_FILE, NEXT_KEK_FILE, previous_keks
from tlog.keys.keyring import COHORT_CONTEXT, KEY_BYTES, PERSON_CONTEXT, PERSON_HASH_KEY, SECRET_CONTEXT
from tlog.keys.local_kek import KEK_BYTES, create_local_kek, kek_id
from tlog.keys.secret_file import read_secret_file
from tlog.storage.database import Database
from tlog.storage.durable import sync_folder
from tlog.storage.keyring_rewrap import TABLES, KeyringRewrap
from tlog.storage.keyring_store import KeyringStore

_CONTEXTS: Final = {
    "keyring_secrets": SECRET_CONTEXT,
    "cohort_keys": COHORT_CONTEXT,
    "person_keys": PERSON_CONTEXT,
}
Shown = Callable[[int, int], None]


def outdated(database: Database, provider: KeyEncryptionProvider) -> int:
    """Return how many keys are not wrapped under the current version of the KEK."""
    store = KeyringRewrap(database)
    pages = (page for table, key in TABLES for page in store.pages(table, key))
    return sum(not provider.is_current(wrapped) for page in pages for _, wrapped in page)


def rewrap(database: Database, provider: KeyEncryptionProvider, show: Shown = lambda _done, _total: None) -> int:
    """Wrap everything under the current version; returns how many keys that changed.

    A crash here leaves some pages wrapped anew and the others as they were: both unwrap. Raises what the provider
    raises.
    """
    store, done, changed = KeyringRewrap(database), 0, 0
    total = store.count()
    for table, key in TABLES:
        for page in store.pages(table, key):
            old = [(name, wrapped) for name, wrapped in page if not provider.is_current(wrapped)]
            if old:
                new = rewrap_many(provider, [wrapped for _, wrapped in old], _CONTEXTS[table.name])
                store.replace(table, key, [(name, was, now) for (name, was), now in zip(old, new, strict=True)])
            changed += len(old)
            done += len(page)
            show(done, total)
    return changed


def replace_kek_file(keys: Path, random: Callable[[int], bytes]) -> None:
    """Put a new KEK file in the place of the one in `keys`, which stays as ``kek-<id>.key``.

    A crash leaves the new file under its working name, or both names on the old file: the next call goes on, and
    the log runs as before. Raises ConfigurationInvalid.
    """
    current, fresh = keys / KEK_FILE, keys / NEXT_KEK_FILE
    if fresh.exists() and fresh.stat().st_size != KEK_BYTES:
        fresh.unlink()  # cut short by a crash; nothing can be wrapped under it
    if not fresh.exists():
        create_local_kek(fresh, random)
    kept = keys / f"kek-{kek_id(read_secret_file(current, KEK_BYTES)).hex()}.key"
    if not kept.exists():
        os.link(current, kept)
    sync_folder(keys)
    fresh.rename(current)
    sync_folder(keys)


def destroy_previous_keks(keys: Path, database: Database, provider: KeyEncryptionProvider) -> list[Path]:
    """Remove the replaced KEK files. Every older backup of the keyring is unreadable from then on.

    Raises ConfigurationInvalid while a key is wrapped under one of them.
    """
    if left := outdated(database, provider):
        raise ConfigurationInvalid(f"{left} keys are wrapped under an older KEK; run 'tlog key rotate kek' first")
    files = previous_keks(keys)
    for path in files:
        path.unlink()
    sync_folder(keys)
    return files


def rotate_person_hash(database: Database, provider: KeyEncryptionProvider, random: Callable[[int], bytes]) -> int:
    """Add a key to the person-hash chain and rehash every person. Returns how many were.

    All of it happens or nothing does: the key and the hashes are one transaction.
    """
    number = len(KeyringStore(database).secrets(PERSON_HASH_KEY)) + 1
    key = random(KEY_BYTES)
    wrapped = provider.wrap_many([key], SECRET_CONTEXT)[0]
    return KeyringRewrap(database).rehash(f"{PERSON_HASH_KEY}-{number}", wrapped, HmacSha256(key).digest)

"""Which parts of a stored row still open, each tried alone: what somebody with a copy and a keyring can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tlog.audit.part import ACTOR, CORE, SHARED, decrypt_part, part_context, part_key, subject_label
from tlog.errors import DecryptionFailed
from tlog.keys.keyring import Keyring
from tlog.service.entries import stored_cohort
from tlog.storage.log_store import StoredEntry


def readable_parts(row: StoredEntry, keyring: Keyring) -> list[str]:
    """Return the labels of the sealed parts that open with keys that are in this keyring now."""
    cohort = keyring.cohort_keys([stored_cohort(row)]).get(stored_cohort(row))
    persons = keyring.person_keys([part.key_id for part in row.personal if part.key_id is not None])
    if cohort is None:
        return []
    return [label for label, part, keys in _parts(row, persons) if _opens(row, label, part, cohort, keys)]


def _parts(row: StoredEntry, persons: Mapping[int, bytes]) -> Iterator[tuple[str, bytes, list[bytes]]]:
    actor, *subjects = row.personal
    found = [None if part.key_id is None else persons.get(part.key_id) for part in (actor, *subjects)]
    keys = [[] if key is None else [key] for key in found]
    yield CORE, row.columns["core"], []
    yield ACTOR, actor.ciphertext, keys[0]
    for number, part in enumerate(subjects):
        yield subject_label(number), part.ciphertext, keys[number + 1]
    if row.columns["shared"] is not None:
        yield SHARED, row.columns["shared"], [key for key in found[1:] if key is not None]


def _opens(row: StoredEntry, label: str, part: bytes, cohort: bytes, keys: list[bytes]) -> bool:
    entry_id = row.columns["entry_id"]
    try:
        decrypt_part(part_key(keys, cohort, entry_id, label), part, part_context(label, entry_id))
    except DecryptionFailed:
        return False
    return True

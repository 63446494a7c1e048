"""Sealing what is of one person again under another key of theirs, so that it outlives the erasure of the first.

For entries that are held and came while an erasure was under way: it was decided without them. They stay as those of
a person who returned. Leaf and proofs stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from tlog.audit.opened import OpenKeys
from tlog.audit.reseal import reseal
from tlog.keys.keyring import Keyring
from tlog.service.entries import EntryReader
from tlog.storage.erasure_store import ErasureStore, RekeyedEntry
from tlog.storage.log_store import LogStore, StoredEntry

_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class PersonRekey:
    """Blocks: call it off the event loop, while no other act runs."""

    store: LogStore
    erasures: ErasureStore
    reader: EntryReader
    keyring: Keyring
    random: Callable[[int], bytes]

    def move(self, indices: Sequence[int], old: int, new: int) -> None:
        """Seal what these entries hold of the person with key `old` under key `new`.

        Entries that hold nothing under `old` are left alone, so a repetition is harmless. A crash between two pages:
        the rest is done by the repetition. Raises what opening the entries raises.
        """
        key = self.keyring.person_keys([new])[new]
        for start in range(0, len(indices), _PAGE):
            rows = list(self.store.entries_at(indices[start : start + _PAGE]).values())
            rows = [row for row in rows if any(part.key_id == old for part in row.personal)]
            self.erasures.rekey([self._moved(row, old, key) for row in rows], old, new)

    def _moved(self, row: StoredEntry, old: int, key: bytes) -> RekeyedEntry:
        [(parts, keys)] = self.reader.material([row])
        sealed = reseal(parts, keys, _with(row, keys, old, key), self.random)
        ciphertexts = (sealed.actor, *sealed.subjects)
        theirs = [(part.part, ciphertexts[part.part]) for part in row.personal if part.key_id == old]
        return RekeyedEntry(row.index, sealed.shared, theirs)


def _with(row: StoredEntry, keys: OpenKeys, old: int, key: bytes) -> OpenKeys:
    actor, *subjects = (key if part.key_id == old else None for part in row.personal)
    return msgspec.structs.replace(
        keys,
        actor=actor or keys.actor,
        subjects=tuple(new or now for new, now in zip(subjects, keys.subjects, strict=True)),
    )

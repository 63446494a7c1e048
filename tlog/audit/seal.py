"""Sealing: from an entry to its leaf and its encrypted parts.

The inner loop of the log: every audit entry passes here once, so it is written for speed (targets.md of the
design asks for 20,000 entries a second on two cores). `docs/spec-leaf.md` says the same slowly, with test
vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from struct import Struct

import msgspec
from msgspec import UNSET

from tlog.audit import layout
from tlog.audit.disclosure import SECRET_BYTES, disclosures
from tlog.audit.entry import Entry
from tlog.audit.fields import instant, microseconds
from tlog.audit.hmac_sha256 import HmacSha256
from tlog.audit.leaf import leaf_of
from tlog.audit.part import (
    ACTOR,
    CORE,
    KEY_BYTES,
    NONCE_BYTES,
    SHARED,
    derive_part_key,
    encode_payload,
    encrypt_part,
    part_context,
    subject_label,
)

_DRAW = Struct(f"{SECRET_BYTES}s{NONCE_BYTES}s")
_json = msgspec.json.Encoder().encode
_received_json = lru_cache(maxsize=16)(lambda received_at: _json(instant(received_at)))  # one per batch

Field = tuple[bytes, bytes]  # name, value as JSON


class EntryKeys(msgspec.Struct, frozen=True):
    """The 32-byte keys an entry is sealed under; `subjects` in the order of `entry.subjects`."""

    cohort: bytes
    actor: bytes
    subjects: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return "<EntryKeys>"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


class SealedEntry(msgspec.Struct, frozen=True):
    """What is stored of an entry. `id` has 16 bytes, `leaf` 32; parts are as `part.py` says; times are
    microseconds since the epoch.

    Only `leaf` enters the tree. The fields after `shared` stand in clear in the log's own database, never
    beside the leaf.
    """

    id: bytes
    leaf: bytes
    core: bytes
    actor: bytes
    subjects: tuple[bytes, ...]
    shared: bytes | None
    source: str
    seq: int
    occurred_at: int
    received_at: int
    action: str
    outcome: str
    retention: str

    def __repr__(self) -> str:
        return f"<SealedEntry {self.leaf.hex()}>"


def seal(entry: Entry, received_at: int, keys: EntryKeys, random: Callable[[int], bytes]) -> SealedEntry:
    """Seal an entry that has its `id`, received at `received_at` (microseconds since the epoch).

    `random` is asked once for 44 bytes a part: secret (32) and nonce (12) of core, actor, each subject,
    shared, in this order. ValueError for keys that do not fit the entry, or no `id`.
    """
    _check_keys(entry, keys)
    entry_id = bytes.fromhex(entry.id.replace("-", ""))
    cohort = HmacSha256(keys.cohort)
    parts = _parts(entry, received_at, keys)
    draws = _DRAW.iter_unpack(random(_DRAW.size * len(parts)))
    digests: list[bytes] = []
    stored: list[bytes] = []
    for (label, person_keys, fields), (secret, nonce) in zip(parts, draws, strict=True):
        digests += [sha256(text).digest() for text in disclosures(secret, fields)]
        context = part_context(label, entry_id)
        key = derive_part_key(cohort, person_keys, context)
        stored.append(encrypt_part(key, nonce, secret + encode_payload(fields), context))
    shared = stored.pop() if parts[-1][0] == SHARED else None
    return SealedEntry(
        entry_id,
        leaf_of(digests),
        stored[0],
        stored[1],
        tuple(stored[2:]),
        shared,
        entry.source,
        entry.seq,
        microseconds(entry.occurred_at),
        received_at,
        entry.action,
        entry.outcome,
        entry.retention,
    )


def _check_keys(entry: Entry, keys: EntryKeys) -> None:
    if len(keys.subjects) != len(entry.subjects):
        raise ValueError("one key for each subject is needed")
    if not entry.id:
        raise ValueError("the entry has no id")
    for key in (keys.cohort, keys.actor, *keys.subjects):
        if len(key) != KEY_BYTES:
            raise ValueError("a key has 32 bytes")


def _parts(entry: Entry, received_at: int, keys: EntryKeys) -> list[tuple[str, bytes, list[Field]]]:
    parts = [
        (CORE, b"", _core(entry, received_at)),
        (ACTOR, keys.actor, _scalars(layout.ACTOR_NAMES, layout.actor_values(entry.actor))),
    ]
    for index, subject in enumerate(entry.subjects):
        label = subject_label(index)
        parts.append((label, keys.subjects[index], [(label.encode(), _json(subject))]))
    shared = _shared(entry)
    if shared:
        parts.append((SHARED, b"".join(keys.subjects), shared))
    return parts


def _core(entry: Entry, received_at: int) -> list[Field]:
    fields = _scalars(layout.CORE_NAMES, layout.core_values(entry))
    fields.append((layout.RECEIVED_AT, _received_json(received_at)))
    if entry.authorization is not None:
        fields += _scalars(layout.AUTHORIZATION_NAMES, layout.authorization_values(entry.authorization))
    return fields


def _shared(entry: Entry) -> list[Field]:
    fields: list[Field] = []
    if entry.targets:
        fields.append((b"targets", _json(entry.targets)))
    if entry.details is not UNSET:
        fields.append((b"details", bytes(entry.details)))
    if entry.correlation is not None:
        fields += _scalars(layout.CORRELATION_NAMES, layout.correlation_values(entry.correlation))
    return fields


def _scalars(names: Iterable[bytes], values: Iterable[object]) -> list[Field]:
    return [(name, _json(value)) for name, value in zip(names, values, strict=True) if value is not None]

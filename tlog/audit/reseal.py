"""Sealing an entry's parts again under another cohort key, so that they outlive the one they came under.

The plaintext stays, and with it secrets, salts, digests and the leaf: no proof changes. Persons' keys stay too.
"""

from __future__ import annotations

from collections.abc import Callable

from tlog.audit.opened import OpenKeys, SealedParts, open_entry
from tlog.audit.part import (
    ACTOR,
    CORE,
    NONCE_BYTES,
    SHARED,
    decrypt_part,
    encrypt_part,
    parse_erased,
    part_context,
    part_key,
    subject_label,
)


def reseal(parts: SealedParts, keys: OpenKeys, cohort: bytes, random: Callable[[int], bytes]) -> SealedParts:
    """Return the parts sealed under a new 32-byte cohort key; erased ones as they are.

    The entry is checked against its leaf first. Raises what `open_entry` raises.
    """
    open_entry(parts, keys)

    def again(part: bytes, label: str, persons: tuple[bytes | None, ...]) -> bytes:
        if parse_erased(part) is not None or keys.cohort is None:
            return part
        present = [key for key in persons if key is not None]
        context = part_context(label, parts.id)
        plaintext = decrypt_part(part_key(present, keys.cohort, parts.id, label), part, context)
        return encrypt_part(part_key(present, cohort, parts.id, label), random(NONCE_BYTES), plaintext, context)

    return SealedParts(
        parts.id,
        parts.leaf,
        again(parts.core, CORE, ()),
        again(parts.actor, ACTOR, (keys.actor,)),
        tuple(again(part, subject_label(i), (keys.subjects[i],)) for i, part in enumerate(parts.subjects)),
        None if parts.shared is None else again(parts.shared, SHARED, keys.subjects),
    )

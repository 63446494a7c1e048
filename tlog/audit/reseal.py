"""Sealing an entry's parts again under other keys, so that they outlive the ones they came under.

The plaintext stays, and with it secrets, salts, digests and the leaf: no proof changes.
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

Keys = tuple[bytes | None, ...]


def reseal(parts: SealedParts, keys: OpenKeys, to: OpenKeys, random: Callable[[int], bytes]) -> SealedParts:
    """Return the parts, which open with `keys`, sealed under the keys `to`; erased ones as they are.

    The entry is checked against its leaf first. Raises what `open_entry` raises.
    """
    open_entry(parts, keys)

    def again(part: bytes, label: str, old: Keys, new: Keys) -> bytes:
        if parse_erased(part) is not None or keys.cohort is None or to.cohort is None:
            return part
        context = part_context(label, parts.id)
        plaintext = decrypt_part(part_key(_present(old), keys.cohort, parts.id, label), part, context)
        return encrypt_part(
            part_key(_present(new), to.cohort, parts.id, label), random(NONCE_BYTES), plaintext, context
        )

    return SealedParts(
        parts.id,
        parts.leaf,
        again(parts.core, CORE, (), ()),
        again(parts.actor, ACTOR, (keys.actor,), (to.actor,)),
        tuple(
            again(part, subject_label(i), (keys.subjects[i],), (to.subjects[i],))
            for i, part in enumerate(parts.subjects)
        ),
        None if parts.shared is None else again(parts.shared, SHARED, keys.subjects, to.subjects),
    )


def _present(persons: Keys) -> list[bytes]:
    return [key for key in persons if key is not None]

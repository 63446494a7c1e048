"""Opening: from stored parts and the keys that still exist back to the entry, checked against its leaf.

Whatever was erased stays erased and the rest still verifies: the digests that stand in an erased part's
place complete the leaf. Nothing is returned unless the whole leaf is accounted for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from tlog.audit.disclosure import digest
from tlog.audit.layout import may_hold
from tlog.audit.leaf import check_leaf
from tlog.audit.part import (
    ACTOR,
    CORE,
    SHARED,
    PartContent,
    decrypt_part,
    erased_part,
    parse_erased,
    parse_plaintext,
    part_context,
    part_key,
    subject_label,
)
from tlog.errors import DecryptionFailed, MalformedDisclosure

_decode = msgspec.json.Decoder().decode


class SealedParts(Struct, frozen=True):
    """The stored parts of one entry with its 16-byte id and 32-byte leaf, sealed or erased as `part.py` says."""

    id: bytes
    leaf: bytes
    core: bytes
    actor: bytes
    subjects: tuple[bytes, ...] = ()
    shared: bytes | None = None

    def __repr__(self) -> str:
        return f"<SealedParts {self.leaf.hex()}>"


class OpenKeys(Struct, frozen=True):
    """The 32-byte keys that still exist, None for each that was destroyed; `subjects` in entry order."""

    cohort: bytes | None
    actor: bytes | None
    subjects: tuple[bytes | None, ...] = ()

    def __repr__(self) -> str:
        return "<OpenKeys>"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []


@dataclass(frozen=True, slots=True, repr=False)
class OpenedEntry:
    """What can still be read of an entry.

    `entry` is the JSON document as nested Python data with `received_at` added; an erased subject is None
    in its place. `disclosures` holds the text of each readable field's disclosure by name; `erased` the
    labels of erased parts (`core`, `actor`, `subjects[0]`, `shared`), `erased_digests` the digests kept in
    their place.
    """

    entry: dict[str, Any]
    disclosures: Mapping[str, str]
    erased: tuple[str, ...]
    erased_digests: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"<OpenedEntry, {len(self.disclosures)} fields, {len(self.erased)} parts erased>"


def open_entry(parts: SealedParts, keys: OpenKeys) -> OpenedEntry:
    """Open all parts that are not erased and check that they and the kept digests make up the leaf.

    Raises DecryptionFailed (a part that does not open, or whose key is gone while no digests stand in its
    place), MalformedDisclosure and LeafMismatch.
    """
    contents = _contents(parts, keys)
    texts: dict[str, bytes] = {}
    for content in contents.values():
        if isinstance(content, PartContent):
            texts |= content.disclosures()
    erased = {label: content for label, content in contents.items() if isinstance(content, list)}
    erased_digests = tuple(value for digests in erased.values() for value in digests)
    check_leaf([*(digest(text) for text in texts.values()), *erased_digests], parts.leaf)
    return OpenedEntry(
        _document(contents, len(parts.subjects)),
        {name: text.decode() for name, text in texts.items()},
        tuple(erased),
        erased_digests,
    )


def erase_part(parts: SealedParts, keys: OpenKeys, label: str) -> bytes:
    """Return what must be stored in place of the part `label` before its key is destroyed: its digests.

    The whole entry is checked against its leaf first, because afterwards nobody can. Raises what
    `open_entry` raises; KeyError for a part the entry does not have.
    """
    return erase_parts(parts, keys, [label])[label]


def erase_parts(parts: SealedParts, keys: OpenKeys, labels: Iterable[str]) -> dict[str, bytes]:
    """Return for each of these labels what `erase_part` returns, for one check of the entry."""
    open_entry(parts, keys)
    contents = _contents(parts, keys)
    found = {label: contents[label] for label in labels}
    return {
        label: erased_part(content.digests() if isinstance(content, PartContent) else content)
        for label, content in found.items()
    }


def _contents(parts: SealedParts, keys: OpenKeys) -> dict[str, PartContent | list[bytes]]:
    if len(keys.subjects) != len(parts.subjects):
        raise ValueError("one key or None for each subject is needed")
    stored: dict[str, tuple[bytes, tuple[bytes | None, ...]]] = {
        CORE: (parts.core, ()),
        ACTOR: (parts.actor, (keys.actor,)),
    }
    for index, part in enumerate(parts.subjects):
        stored[subject_label(index)] = (part, (keys.subjects[index],))
    if parts.shared is not None:
        stored[SHARED] = (parts.shared, keys.subjects)
    return {label: _content(part, label, parts.id, keys.cohort, persons) for label, (part, persons) in stored.items()}


def _content(
    part: bytes, label: str, entry_id: bytes, cohort: bytes | None, persons: tuple[bytes | None, ...]
) -> PartContent | list[bytes]:
    digests = parse_erased(part)
    if digests is not None:
        return digests
    present = [key for key in persons if key is not None]
    if cohort is None or len(present) != len(persons):
        raise DecryptionFailed(
            f"a key of the part {label} is not in the keyring, and its digests were not kept: it was destroyed, or "
            "this keyring is older than the entry"
        )
    key = part_key(present, cohort, entry_id, label)
    content = parse_plaintext(decrypt_part(key, part, part_context(label, entry_id)))
    if not all(may_hold(label, name.decode()) for name, _ in content.fields):
        raise MalformedDisclosure(f"the part {label} holds a field of another part")
    return content


def _document(contents: Mapping[str, PartContent | list[bytes]], subjects: int) -> dict[str, Any]:
    document: dict[str, Any] = {"subjects": [None] * subjects} if subjects else {}
    for label, content in contents.items():
        if isinstance(content, list):
            continue
        for name, value in content.fields:
            _place(document, label, name.decode(), _decode(value))
    return document


def _place(document: dict[str, Any], label: str, name: str, value: Any) -> None:
    group, dot, member = name.partition(".")
    if dot:
        document.setdefault(group, {})[member] = value
    elif name == label:
        document["subjects"][int(name.removeprefix("subjects[").removesuffix("]"))] = value
    else:
        document[name] = value

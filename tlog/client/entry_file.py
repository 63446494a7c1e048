"""The JSON that `GET /v1/entries/{index}` answers, as a file that convinces without the log.

    {"index": 7, "leaf": "<base64>", "entry": {…}, "disclosures": {"<name>": "<disclosure>", …},
     "erased_digests": ["<base64>", …],
     "erasures": [{"part": "<label>", "act": "<id>", "at": "<time>", "index": 12}, …]}   further members are ignored

Only the disclosures prove anything. `entry`, which people read, must say exactly what they say. `erasures` is the
log's word, and must not name as erased what is disclosed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from tlog.audit.disclosure import parse_disclosure
from tlog.audit.erased_part import ErasedPart
from tlog.audit.layout import may_hold
from tlog.audit.leaf import verify_disclosures
from tlog.audit.strict_json import json_fault
from tlog.errors import LeafMismatch, MalformedDisclosure
from tlog.formats.encoding import HASH_BYTES, b64decode

MAX_ENTRY_FILE_BYTES = 1 << 20


class _Document(Struct):
    index: int
    leaf: str
    entry: dict[str, Any]
    disclosures: dict[str, str]
    erased_digests: list[str] = []
    erasures: list[ErasedPart] = []


@dataclass(frozen=True, slots=True, repr=False)
class EntryFile:
    """An entry's index, 32-byte leaf, readable form, disclosures by name, and the digests of erased fields.

    `erasures` is what the log says of them; there may be digests of which it says nothing.
    """

    index: int
    leaf: bytes
    entry: Mapping[str, Any]
    disclosures: Mapping[str, str]
    erased_digests: tuple[bytes, ...]
    erasures: tuple[ErasedPart, ...] = ()

    def __repr__(self) -> str:
        return f"<EntryFile of index {self.index}>"

    def verify(self, leaf: bytes) -> dict[str, Any]:
        """Return the disclosed values by field name, if they make up `leaf` and are what `entry` says.

        Raises `LeafMismatch`, `MalformedDisclosure`.
        """
        values = verify_disclosures(self.disclosures.values(), self.erased_digests, leaf)
        for name, text in self.disclosures.items():
            if parse_disclosure(text).name != name:
                raise LeafMismatch(f"the disclosure under the name {name} is that of another field")
        wrong = _differing(values, flat(self.entry))
        if wrong:
            raise LeafMismatch(f"the readable entry says otherwise than its disclosures in {', '.join(wrong[:8])}")
        self._require_gone()
        return values

    def _require_gone(self) -> None:
        """Raise `LeafMismatch` where something is named as erased that is disclosed, or where nothing is missing."""
        if self.erasures and not self.erased_digests:
            raise LeafMismatch("the entry file names erased parts, but every field is disclosed")
        for erased in self.erasures:
            if shown := [name for name in self.disclosures if may_hold(erased.part, name)]:
                raise LeafMismatch(f"the entry file names {erased.part} as erased, but discloses {shown[0]}")


def parse_entry_file(data: bytes) -> EntryFile:
    """Return the entry in a file's bytes, nothing of it verified. Raises `MalformedDisclosure`."""
    if len(data) > MAX_ENTRY_FILE_BYTES:
        raise MalformedDisclosure(f"entry file: {len(data)} bytes, more than {MAX_ENTRY_FILE_BYTES}")
    if fault := json_fault(data):
        raise MalformedDisclosure(f"entry file: {fault}")
    try:
        found = msgspec.json.decode(data, type=_Document)
    except msgspec.ValidationError as error:  # names types and places, quotes no value
        raise MalformedDisclosure(f"entry file: {error}") from None
    digests = (_hash(text, f"erased digest {i}") for i, text in enumerate(found.erased_digests))
    leaf = _hash(found.leaf, "leaf")
    return EntryFile(found.index, leaf, found.entry, found.disclosures, tuple(digests), tuple(found.erasures))


def flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry's values by the names of their disclosures; what is null was erased, or never given."""
    values: dict[str, Any] = {}
    for name, value in entry.items():
        if name == "subjects" and isinstance(value, list):
            values |= {f"subjects[{i}]": subject for i, subject in enumerate(value)}
        elif name in _GROUPS and isinstance(value, dict):
            values |= {f"{name}.{member}": content for member, content in value.items()}
        else:
            values[name] = value
    return {name: value for name, value in values.items() if value is not None}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names whose values differ as JSON: to Python, true is 1 and 1 is 1.0."""
    names = sorted(one.keys() | other.keys())
    return [name for name in names if _canonical(one.get(name)) != _canonical(other.get(name))]


_canonical = msgspec.json.Encoder(order="deterministic").encode
_GROUPS = frozenset({"actor", "authorization", "correlation"})


def _hash(text: str, what: str) -> bytes:
    return b64decode(text, MalformedDisclosure, f"entry file: {what}", HASH_BYTES)

"""Evidence: a file that proves entries to somebody who has nothing but a policy.

One JSON object (RFC 8259, UTF-8):

    {"format": "tlog-evidence/v1",
     "origin": "<the log>",
     "made_at": "<RFC 3339, the log's clock>",
     "policy": "<a tlog-policy file: the one that the log is run under>",
     "checkpoints": ["<signed note>", …],             of different sizes, smallest first
     "consistency": [["<base64>", …], …],             between each of them and the next: RFC 6962 proofs
     "entries": [{"index": 17, "size": 20,            the size of the checkpoint that the inclusion proof is under
                  "after": 12,                        the size of one that does not contain it yet, or null
                  "leaf": "<base64>", "inclusion": ["<base64>", …],
                  "disclosures": {"<name>": "<disclosure>", …},
                  "digests": ["<base64>", …],         of the fields that are not shown: redacted, or erased
                  "erasures": [{"part": "<label>", "act": "<id>", "at": "<time>", "index": 12}, …]}, …]}

Rules: unknown members are refused; indices and sizes rise. `size` is that of the first witnessed checkpoint which
contains the entry and `after` that of the last one which does not: so the entry was logged between the two. Both stand
in `checkpoints`.
What proves anything is the signatures, the hashes and the disclosures; the rest is the word of whoever made the file.

Whoever holds evidence can show less of it (`redacted`): a disclosure is replaced by its digest, and all else stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tlog.audit.disclosure import digest
from tlog.audit.erased_part import ErasedPart
from tlog.audit.strict_json import json_fault
from tlog.errors import MalformedEvidence
from tlog.formats.encoding import HASH_BYTES, b64decode, b64encode

FORMAT: Final = "tlog-evidence/v1"
MAX_BYTES: Final = 16 << 20
MAX_ENTRIES: Final = 500
_MAX_FIELDS: Final = 512

Size = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Text = Annotated[str, Meta(max_length=1 << 20)]


class EvidenceEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the file; hashes are base64. See the module."""

    index: Size
    size: Size
    after: Size | None
    leaf: str
    inclusion: Annotated[list[str], Meta(max_length=63)]
    disclosures: Annotated[dict[str, str], Meta(max_length=_MAX_FIELDS)]
    digests: Annotated[list[str], Meta(max_length=_MAX_FIELDS)]
    erasures: Annotated[list[ErasedPart], Meta(max_length=_MAX_FIELDS)] = []

    def __repr__(self) -> str:
        return f"<EvidenceEntry of index {self.index}>"

    def redacted(self, hidden: Callable[[str], bool]) -> EvidenceEntry:
        """Return it without the disclosures of those names; their digests take their place, in byte order."""
        gone = [b64encode(digest(text.encode())) for name, text in self.disclosures.items() if hidden(name)]
        shown = {name: text for name, text in self.disclosures.items() if not hidden(name)}
        digests = sorted([*self.digests, *gone], key=_hash)
        return msgspec.structs.replace(self, disclosures=shown, digests=digests)


class Evidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file, as it stands in JSON."""

    format: Literal["tlog-evidence/v1"]
    origin: Annotated[str, Meta(min_length=1, max_length=255)]
    made_at: Annotated[str, Meta(max_length=40)]
    policy: Text
    checkpoints: Annotated[list[Text], Meta(min_length=1, max_length=2 * MAX_ENTRIES)]
    consistency: list[Annotated[list[str], Meta(max_length=126)]]
    entries: Annotated[list[EvidenceEntry], Meta(min_length=1, max_length=MAX_ENTRIES)]

    def __repr__(self) -> str:
        return f"<Evidence of {len(self.entries)} entries>"

    def encode(self) -> bytes:
        """Return the file's bytes, with a final newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def redacted(self, hidden: Callable[[str], bool]) -> Evidence:
        """Return it with those fields of every entry replaced by their digests."""
        return msgspec.structs.replace(self, entries=[entry.redacted(hidden) for entry in self.entries])


def parse_evidence(data: bytes) -> Evidence:
    """Return the evidence in a file's bytes, nothing of it verified. Raises `MalformedEvidence`."""
    if len(data) > MAX_BYTES:
        raise MalformedEvidence(f"evidence: {len(data)} bytes, more than {MAX_BYTES}")
    if fault := json_fault(data):
        raise MalformedEvidence(f"evidence: {fault}")
    try:
        return msgspec.json.decode(data, type=Evidence)
    except msgspec.ValidationError as error:  # names types and places, quotes no value
        raise MalformedEvidence(f"evidence: {error}") from None


def is_evidence(data: bytes) -> bool:
    """Tell whether a file says that it is evidence, of whatever version."""
    return data.lstrip()[:1] == b"{" and b'"tlog-evidence/' in data


def hashes(texts: Sequence[str]) -> list[bytes]:
    """Return the 32-byte hashes of base64 texts. Raises `MalformedEvidence`."""
    return [_hash(text) for text in texts]


def _hash(text: str) -> bytes:
    return b64decode(text, MalformedEvidence, "evidence: a hash", HASH_BYTES)


def values_of(disclosures: Any) -> list[str]:
    """Return the texts of disclosures in the order of their names."""
    return [text for _, text in sorted(disclosures.items())]

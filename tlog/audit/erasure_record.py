"""An erasure record: what one act destroyed, kept outside the databases so that a restored one can be told.

One JSON object (RFC 8259, UTF-8, no white space between tokens) and a final newline, written in exactly one way:

    {"version":1,"origin":"<log>","act":"<UUIDv7>","kind":"erasure"|"expiry","at":<microseconds since 1970>,
     "key_id":<n>,"role":"actor"|"subject",            of an erasure: whose key was destroyed
     "cohort":"<name>",                                of an expiry: which key was destroyed
     "moved":[<index>,…],                              entries that were held, and were sealed under another key before
     "parts":[[<index>,"<label>","<base64>"],…],       what stands in place of each erased part
     "mac":"<base64>"}                                 that this log wrote it

The MAC is of the same object without its last member, as it would be written then, without the newline. A record
destroys whatever it names in whatever database is started beside it, so nothing in one is believed before its MAC is:
whoever reads it passes the function in (`Keyring.record_mac`).

A `label` is `actor`, `subjects[<i>]` or `shared`; the base64 is the erased part as `part.py` says. Members that do not
apply are left out; `parts` are in ascending order of index, then as given. Nothing personal is in it: a key id is
random, and the digests are salted with secrets that no longer exist.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from hmac import compare_digest
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tlog.audit.part import ERASED
from tlog.errors import MalformedRecord

Mac = Callable[[bytes], bytes]
"""Returns the 32-byte MAC of a record's text under the log's secret."""
Index = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_MAC = re.compile(rb',"mac":"([A-Za-z0-9+/]{43}=)"}\n\Z')
_LABEL = re.compile(r"actor|shared|subjects\[(?:0|[1-9][0-9]?)\]")
_ACT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class ErasedPart(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What stands in the place of the part `label` of entry `index`."""

    index: Index
    label: str
    content: str

    @classmethod
    def of(cls, index: int, label: str, container: bytes) -> ErasedPart:
        """Return it for the bytes of an erased part."""
        return cls(index, label, b64encode(container).decode())

    @property
    def container(self) -> bytes:
        """The bytes of the erased part."""
        return b64decode(self.content)

    def __repr__(self) -> str:
        return f"<ErasedPart {self.label} of entry {self.index}>"


class ErasureRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One act's record. `at` is in microseconds since the epoch."""

    version: Literal[1]
    origin: str
    act: str
    kind: Literal["erasure", "expiry"]
    at: Index
    key_id: Index | UnsetType = UNSET
    role: Literal["actor", "subject"] | UnsetType = UNSET
    cohort: Annotated[str, Meta(min_length=1, max_length=96)] | UnsetType = UNSET
    moved: Sequence[Index] = ()
    parts: Sequence[ErasedPart] = ()

    def __repr__(self) -> str:
        return f"<ErasureRecord {self.act}>"


_decode = msgspec.json.Decoder(ErasureRecord).decode
_encode = msgspec.json.Encoder().encode


def encode_record(record: ErasureRecord, mac: Mac) -> bytes:
    """Return the record's file. `parse_record` takes exactly this back."""
    text = _encode(record)
    return text[:-1] + b',"mac":"' + b64encode(mac(text)) + b'"}\n'


def parse_record(data: bytes, mac: Mac) -> ErasureRecord:
    """Return the record in a file's bytes. Raises `MalformedRecord`, which quotes nothing, also where the MAC is not
    this log's."""
    record, text, said = _split(data)
    if not compare_digest(b64encode(mac(text)), said):
        raise MalformedRecord("an erasure record was changed or is not of this log: its MAC does not fit")
    return record


def parse_unverified(data: bytes) -> ErasureRecord:
    """Return what a file's bytes say, whoever wrote them: to be counted, never to be acted on.

    Raises `MalformedRecord`.
    """
    return _split(data)[0]


def _split(data: bytes) -> tuple[ErasureRecord, bytes, bytes]:
    """Return the record, the text that its MAC is of, and the base64 of the MAC it has."""
    found = _MAC.search(data)
    text = data[: found.start()] + b"}" if found else data
    try:
        record = _decode(text)
    except (ValueError, RecursionError):
        raise MalformedRecord("not an erasure record of version 1") from None
    if found is None:
        raise MalformedRecord("an erasure record has no MAC at its end")
    if _encode(record) != text:
        raise MalformedRecord("an erasure record is not written in the one permitted way")
    _check(record)
    return record, text, found[1]


def _check(record: ErasureRecord) -> None:
    if not _ACT.fullmatch(record.act):
        raise MalformedRecord("an erasure record's act is not a UUIDv7 in lower case")
    person = record.key_id is not UNSET and record.role is not UNSET
    if person != (record.kind == "erasure") or (record.cohort is UNSET) != (record.kind == "erasure"):
        raise MalformedRecord("an erasure record names a person's key, and one of an expiry a cohort's, and no other")
    for part in record.parts:
        _check_part(part)


def _check_part(part: ErasedPart) -> None:
    if not _LABEL.fullmatch(part.label):
        raise MalformedRecord("an erasure record names a part that entries do not have")
    try:
        container = b64decode(part.content, validate=True)
    except ValueError:
        raise MalformedRecord("an erasure record holds what is not base64") from None
    # Without digests: the part was damaged already when it was erased (`tlog/service/erasure.py`).
    if container[:1] != ERASED or len(container) % 32 != 1 or b64encode(container).decode() != part.content:
        raise MalformedRecord("an erasure record holds what is not an erased part")

"""A part: one encrypted group of an entry's fields that is destroyed together.

A stored part is one of

    0x01 || nonce (12 bytes) || AES-256-GCM( key, nonce, plaintext, context )     sealed; the 16-byte tag at the end
    0x02 || digest_1 || … || digest_n                                           erased; in ascending byte order

    plaintext = secret (32 bytes) || {"<name>":<value>,…}      the values' exact bytes, no white space between
    context   = "tlog-audit/v1 part\\n" || label || 0x00 || entry id (16 bytes)
    key       = HKDF-SHA256( salt = cohort key, IKM = person keys, info = context, L = 32 )

The person keys are concatenated: none (empty IKM) for core, the actor's for actor, subject i's for
subjects[i], and those of all subjects in entry order for shared. Destroying the cohort key or any of the
person keys therefore destroys the part's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlog.audit.disclosure import DIGEST_BYTES, SECRET_BYTES, digest, disclosures
from tlog.audit.hmac_sha256 import HmacSha256, hkdf_sha256
from tlog.audit.strict_json import json_fault
from tlog.errors import DecryptionFailed, MalformedDisclosure

PART_PREFIX = b"tlog-audit/v1 part\n"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
SEALED = b"\x01"
ERASED = b"\x02"

_decode_payload = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class PartKind(StrEnum):
    """What a part holds, and so whose key it dies with."""

    CORE = "core"
    ACTOR = "actor"
    SUBJECT = "subject"
    SHARED = "shared"


CORE = PartKind.CORE.value
ACTOR = PartKind.ACTOR.value
SHARED = PartKind.SHARED.value


def subject_label(index: int) -> str:
    """Return the label of the part of subject `index`, from 0. It is also the name of the part's only field."""
    return f"subjects[{index}]"


def part_context(label: str, entry_id: bytes) -> bytes:
    """Return what binds a part's key and ciphertext to its place: HKDF info and AEAD associated data."""
    return PART_PREFIX + label.encode() + b"\0" + entry_id


def part_key(person_keys: Sequence[bytes], cohort_key: bytes, entry_id: bytes, label: str) -> bytes:
    """Return the 32-byte key of one part. `entry_id` has 16 bytes, all keys have 32."""
    return derive_part_key(HmacSha256(cohort_key), b"".join(person_keys), part_context(label, entry_id))


def derive_part_key(cohort: HmacSha256, person_keys: bytes, context: bytes) -> bytes:
    """Do what `part_key` does, for a cohort key prepared once and person keys already concatenated."""
    return hkdf_sha256(cohort, person_keys, context)


def encrypt_part(key: bytes, nonce: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Return the stored form of a part. `nonce` is 12 random bytes."""
    return SEALED + nonce + AESGCM(key).encrypt(nonce, plaintext, context)


def decrypt_part(key: bytes, part: bytes, context: bytes) -> bytes:
    """Return the plaintext of a sealed part. Raises DecryptionFailed."""
    end = len(SEALED) + NONCE_BYTES
    if part[:1] != SEALED or len(part) < end + TAG_BYTES:
        raise DecryptionFailed("not a sealed part")
    try:
        return AESGCM(key).decrypt(part[1:end], part[end:], context)
    except InvalidTag:
        raise DecryptionFailed("a sealed part does not open under its key") from None


def encode_payload(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the JSON object of a part's (name, value JSON) pairs, in order, with the values' exact bytes."""
    return b'{"' + b',"'.join([name + b'":' + value for name, value in fields]) + b"}"


@dataclass(frozen=True, slots=True, repr=False)
class PartContent:
    """A part laid open: its secret, and (name, value JSON) pairs in order."""

    secret: bytes
    fields: tuple[tuple[bytes, bytes], ...]

    def disclosures(self) -> dict[str, bytes]:
        """Return the text of each field's disclosure by name."""
        texts = disclosures(self.secret, self.fields)
        return {name.decode(): text for (name, _), text in zip(self.fields, texts, strict=True)}

    def digests(self) -> list[bytes]:
        """Return the digest of each field's disclosure."""
        return [digest(text) for text in self.disclosures().values()]

    def __repr__(self) -> str:
        return "<PartContent>"


def parse_plaintext(plaintext: bytes) -> PartContent:
    """Return what a decrypted part holds. Raises MalformedDisclosure."""
    secret, payload = plaintext[:SECRET_BYTES], plaintext[SECRET_BYTES:]
    if json_fault(payload) is not None or payload[:1] != b"{":
        raise MalformedDisclosure("a part does not hold a JSON object")
    fields = tuple((name.encode(), bytes(value)) for name, value in _decode_payload(payload).items())
    if not fields or encode_payload(fields) != payload:
        raise MalformedDisclosure("a part is not written in the one permitted way")
    return PartContent(secret, fields)


def erased_part(digests: Iterable[bytes]) -> bytes:
    """Return what stands in the place of an erased part: the digests of its disclosures, in byte order."""
    return ERASED + b"".join(sorted(digests))


def parse_erased(part: bytes) -> list[bytes] | None:
    """Return the digests of an erased part, None for a part that is not erased. Raises MalformedDisclosure."""
    if part[:1] != ERASED:
        return None
    body = part[1:]
    digests = [body[start : start + DIGEST_BYTES] for start in range(0, len(body), DIGEST_BYTES)]
    if not digests or len(body) % DIGEST_BYTES or digests != sorted(set(digests)):
        raise MalformedDisclosure("an erased part is not a list of digests in ascending order")
    return digests

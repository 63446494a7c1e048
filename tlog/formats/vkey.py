"""Verifier keys: key name, key ID and public key in one string (https://c2sp.org/signed-note).

Grammar:

    vkey   = name "+" key-id "+" base64( type (1 byte) || public key )
    key-id = 8 lowercase hexadecimal digits

Rules: the key ID is SHA-256(name || 0x0A || type || public key)[:4] and is checked, never believed; the
public key has the length of its type; Ed25519 points must be canonical and of no small order
(`ed25519_point`); the name of an ML-DSA-44 cosigner is at most 255 bytes, because it is signed with a
one-byte length. Types known here:

    0x01  Ed25519 note signature             32-byte key
    0x04  Ed25519 timestamped cosignature    32-byte key
    0x06  ML-DSA-44 timestamped cosignature  1312-byte key

Example: `example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k` is an Ed25519 key (0x01).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tlog.errors import MalformedKey
from tlog.formats.ed25519_point import check_point
from tlog.formats.encoding import b64decode, b64encode, shown
from tlog.formats.note import KEY_ID_BYTES, check_key_name

ML_DSA_44_PUBLIC_KEY_BYTES: Final = 1312  # FIPS 204, table 2
MAX_COSIGNER_NAME_BYTES: Final = 255  # tlog-cosignature: opaque cosigner_name<1..2^8-1>
_MAX_VKEY_CHARS: Final = 64 * 1024


class SignatureType(IntEnum):
    """The signature type identifier bytes of signed-note that this project verifies and makes."""

    ED25519 = 0x01
    COSIGNATURE_ED25519 = 0x04
    COSIGNATURE_ML_DSA_44 = 0x06


def key_id(name: str, type_: SignatureType, public_key: bytes) -> bytes:
    """Return SHA-256(name || 0x0A || type || public key)[:4] (signed-note "Signatures")."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([type_]) + public_key).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class VKey:
    """A public key with its name and signature type. Making one checks all three; raises MalformedKey."""

    name: str
    type: SignatureType
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, MalformedKey)
        if self.type is SignatureType.COSIGNATURE_ML_DSA_44:
            _check_ml_dsa_44(self.name, self.public_key)
        else:
            check_point(self.public_key)

    @property
    def key_id(self) -> bytes:
        """The 4-byte key ID."""
        return key_id(self.name, self.type, self.public_key)

    def encode(self) -> str:
        """Return the vkey string."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(bytes([self.type]) + self.public_key)}"


def _check_ml_dsa_44(name: str, public_key: bytes) -> None:
    if len(public_key) != ML_DSA_44_PUBLIC_KEY_BYTES:
        raise MalformedKey(f"ML-DSA-44 key: {len(public_key)} bytes, not {ML_DSA_44_PUBLIC_KEY_BYTES}")
    if len(name.encode()) > MAX_COSIGNER_NAME_BYTES:
        raise MalformedKey(f"ML-DSA-44 key: its name has more than {MAX_COSIGNER_NAME_BYTES} bytes")


def parse_vkey(text: str) -> VKey:
    """Return the verifier key. Raises MalformedKey, also where the key ID is not that of name and key."""
    if len(text) > _MAX_VKEY_CHARS:
        raise MalformedKey(f"vkey: {len(text)} characters, more than {_MAX_VKEY_CHARS}")
    name, *rest = text.split("+", 2)
    if len(rest) != 2:
        raise MalformedKey(f"vkey {shown(text)}: not <name>+<key ID>+<key>")
    key = b64decode(rest[1], MalformedKey, f"vkey {shown(name)}")
    vkey = VKey(name, _parse_type(key[:1], name), key[1:])
    if vkey.key_id.hex() != rest[0]:
        raise MalformedKey(f"vkey {shown(name)}: key ID {shown(rest[0])} is not that of this name and key")
    return vkey


def _parse_type(first: bytes, name: str) -> SignatureType:
    for type_ in SignatureType:
        if first == bytes([type_]):
            return type_
    raise MalformedKey(f"vkey {shown(name)}: signature type 0x{first.hex()} is not supported")

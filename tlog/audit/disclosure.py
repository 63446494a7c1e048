"""A disclosure: one field of an entry with the salt that hides it (RFC 9901, section 4.2.1).

    disclosure = base64url( ["<salt>","<name>",<value>] )        without padding, no white space outside
    <value> salt       = base64url( HMAC-SHA256(secret, name)[:16] )     22 characters digest     = SHA-256(
    ASCII(disclosure) )                    32 bytes

The digest covers the string itself, so nothing needs a canonical form of JSON. `secret` is 32 random bytes
that the field's part keeps inside its ciphertext: without it a digest says nothing about a guessed value.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from tlog.audit.hmac_sha256 import HmacSha256
from tlog.audit.strict_json import json_fault
from tlog.errors import MalformedDisclosure

SALT_BYTES = 16
SECRET_BYTES = 32
DIGEST_BYTES = 32

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")
_ALPHABET = re.compile(rb"[A-Za-z0-9_-]+")
_SALT = re.compile(rb"[A-Za-z0-9_-]{22}")
_NAME = re.compile(r"[a-z_]+(?:\.[a-z_]+|\[(?:0|[1-9][0-9]?)\])?")
_decode_triple = msgspec.json.Decoder(tuple[str, str, msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True, repr=False)
class Disclosure:
    """A field laid open: 16 salt bytes, its name, and its value as the exact JSON text."""

    salt: bytes
    name: str
    value_json: bytes

    @property
    def value(self) -> Any:
        """The value as Python data."""
        return _decode_value(self.value_json)

    def encode(self) -> bytes:
        """Return the disclosure as its base64url text."""
        return disclosure(self.salt, self.name, self.value_json)

    def __repr__(self) -> str:
        return f"<Disclosure of {self.name}>"


def disclosure(salt: bytes, name: str, value_json: bytes) -> bytes:
    """Return the base64url text of `[salt, name, value]` for a 16-byte salt and an acceptable JSON text."""
    fields = (b'["', _base64url(salt), b'","', name.encode(), b'",', value_json, b"]")
    return _base64url(b"".join(fields))


def disclosures(secret: bytes, fields: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """Return the disclosures of the (name, value JSON) pairs of one part, salted from its 32-byte secret."""
    hmacs = HmacSha256(secret).digests([name for name, _ in fields])
    salts = _base64url_lines([b2a_base64(hmac[:SALT_BYTES]) for hmac in hmacs])
    return _base64url_lines(
        [
            b2a_base64(b"".join((b'["', salt, b'","', name, b'",', value, b"]")))
            for salt, (name, value) in zip(salts, fields, strict=True)
        ]
    )


def digest(disclosure: bytes) -> bytes:
    """Return the 32-byte digest of a disclosure's text."""
    return sha256(disclosure).digest()


def parse_disclosure(text: bytes | str) -> Disclosure:
    """Return the field in a disclosure's text, which must be exactly as `disclosure` would write it.

    Raises MalformedDisclosure; its message quotes nothing.
    """
    data = _decode_base64url(text)
    try:
        salt, name, value = _decode_triple(data)
    except (ValueError, RecursionError):
        raise MalformedDisclosure("the disclosure is not a JSON array of salt, name and value") from None
    if not _SALT.fullmatch(salt.encode()) or not _NAME.fullmatch(name):
        raise MalformedDisclosure("the disclosure's salt or name has the wrong form")
    found = Disclosure(a2b_base64(salt.encode().translate(_FROM_URL) + b"=="), name, bytes(value))
    if found.encode() != (text.encode() if isinstance(text, str) else text):
        raise MalformedDisclosure("the disclosure is not written in the one permitted way")
    fault = json_fault(found.value_json)
    if fault is not None:
        raise MalformedDisclosure(f"the value of {name} is not acceptable: {fault}")
    return found


def _base64url(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_TO_URL, b"=")


def _base64url_lines(lines: list[bytes]) -> list[bytes]:
    # One translation for all lines of standard base64, each with its final newline: half the time of one for each.
    return b"".join(lines).translate(_TO_URL, b"=").split()


def _decode_base64url(text: bytes | str) -> bytes:
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
    except UnicodeEncodeError:
        raise MalformedDisclosure("the disclosure is not base64url") from None
    if not _ALPHABET.fullmatch(raw):
        raise MalformedDisclosure("the disclosure is not base64url without padding")
    try:
        return a2b_base64(raw.translate(_FROM_URL) + b"=" * (-len(raw) % 4))
    except Base64Error:
        raise MalformedDisclosure("the disclosure is not base64url") from None

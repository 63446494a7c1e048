"""A few bytes about one person, sealed under their own key: with the key they are gone, in every old copy too.

nonce (12 bytes) || AES-256-GCM( HMAC-SHA256(person's key, CONTEXT), nonce, data, CONTEXT )
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlog.audit.hmac_sha256 import HmacSha256
from tlog.errors import DecryptionFailed
from tlog.keys.keyring import Keyring

CONTEXT: Final = b"tlog-audit/v1 person payload\n"
_NONCE_BYTES: Final = 12


def seal_to_person(keyring: Keyring, key_id: int, data: bytes, random: Callable[[int], bytes]) -> bytes:
    """Return data that nobody reads once this person's key is destroyed. Raises `DecryptionFailed` where it is."""
    nonce = random(_NONCE_BYTES)
    return nonce + _cipher(keyring, key_id).encrypt(nonce, data, CONTEXT)


def open_to_person(keyring: Keyring, key_id: int, sealed: bytes) -> bytes:
    """Return what `seal_to_person` was given. Raises `DecryptionFailed`."""
    try:
        return _cipher(keyring, key_id).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], CONTEXT)
    except (InvalidTag, ValueError):
        raise DecryptionFailed("what is sealed to a person does not open under their key") from None


def _cipher(keyring: Keyring, key_id: int) -> AESGCM:
    key = keyring.person_keys([key_id]).get(key_id)
    if key is None:
        raise DecryptionFailed("this person's key is not here")
    return AESGCM(HmacSha256(key).digest(CONTEXT))

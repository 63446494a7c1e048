"""A key-encryption key in a file on this machine: 32 random bytes, nothing else in the file.

    wrapped = header || nonce (12 bytes) || AES-256-GCM( KEK, nonce, key, header || context )
    header  = 0x01 || key id (8 bytes)
    key id  = SHA-256("tlog-audit/v1 kek\\n" || KEK)[:8]

Rotation makes a new file, hence a new key id; the id names the version. Nonces are random, so one KEK may
wrap up to 2^32 keys (NIST SP 800-38D section 8.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlog.errors import ConfigurationInvalid, DecryptionFailed
from tlog.keys.secret_file import create_secret_file, read_secret_file

KEK_BYTES = 32
_FORMAT = b"\x01"
_HEADER_BYTES = 9
_NONCE_BYTES = 12
_ID_PREFIX = b"tlog-audit/v1 kek\n"


def create_local_kek(path: Path, random: Callable[[int], bytes]) -> None:
    """Make a new KEK file (0600), durable on return. Raises ConfigurationInvalid, also where it exists."""
    create_secret_file(path, random(KEK_BYTES))


def load_local_kek(path: Path, random: Callable[[int], bytes], previous: Sequence[Path] = ()) -> LocalKek:
    """Open the KEK in `path`, and those it replaced, oldest first. Raises ConfigurationInvalid."""
    return LocalKek([read_secret_file(file, KEK_BYTES) for file in (*previous, path)], random)


class LocalKek:
    """A KeyEncryptionProvider over KEKs in memory. The last one wraps; all unwrap. Safe to use from threads."""

    def __init__(self, keks: Sequence[bytes], random: Callable[[int], bytes]) -> None:
        """Take 32-byte KEKs, oldest first. Raises ConfigurationInvalid for none, a repeated or an all-zero one."""
        if not keks or len(set(keks)) != len(keks):
            raise ConfigurationInvalid("at least one key-encryption key is needed, and none twice")
        if any(len(kek) != KEK_BYTES or not any(kek) for kek in keks):
            raise ConfigurationInvalid(f"a key-encryption key has {KEK_BYTES} bytes that are not all zero")
        self._random = random
        self._ciphers = {_header(kek): AESGCM(kek) for kek in keks}
        self._current = _header(keks[-1])

    @property
    def key_name(self) -> str:
        """The id of the newest KEK."""
        return self._current[len(_FORMAT) :].hex()

    def wrap_many(self, keys: Sequence[bytes], context: bytes) -> list[bytes]:
        """Return each key wrapped under the newest KEK."""
        return [self._wrap(key, context) for key in keys]

    def unwrap_many(self, wrapped: Sequence[bytes], context: bytes) -> list[bytes]:
        """Return the keys. Raises DecryptionFailed."""
        return [self._unwrap(item, context) for item in wrapped]

    def is_current(self, wrapped: bytes) -> bool:
        """Tell whether the key is wrapped under the newest KEK."""
        return wrapped[:_HEADER_BYTES] == self._current

    def _wrap(self, key: bytes, context: bytes) -> bytes:
        nonce = self._random(_NONCE_BYTES)
        return self._current + nonce + self._ciphers[self._current].encrypt(nonce, key, self._current + context)

    def _unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        header = wrapped[:_HEADER_BYTES]
        cipher = self._ciphers.get(header)
        if cipher is None:
            raise DecryptionFailed("a data key is wrapped under a key-encryption key that is not here")
        nonce = wrapped[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, wrapped[_HEADER_BYTES + _NONCE_BYTES :], header + context)
        except (InvalidTag, ValueError):  # ValueError: a nonce cut short
            raise DecryptionFailed("a data key does not unwrap: it was changed, or is used out of place") from None


def kek_id(kek: bytes) -> bytes:
    """Return the 8 bytes that name a KEK."""
    return sha256(_ID_PREFIX + kek).digest()[:8]


def _header(kek: bytes) -> bytes:
    return _FORMAT + kek_id(kek)

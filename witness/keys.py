"""The witness's two private keys: PKCS #8 PEM files that only their owner may read.

Both keys carry one name. Ed25519 cosignatures do not commit to the cosigner's name (tlog-cosignature,
"Ed25519 signed message"), so a pair of keys serves one witness and nothing else.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tlog.errors import ConfigurationInvalid
from tlog.formats.cosignature import Ed25519CosignatureSigner, MlDsa44CosignatureSigner
from tlog.formats.note import Signature
from tlog.formats.vkey import VKey

ED25519_FILE = "ed25519.pem"
ML_DSA_44_FILE = "ml-dsa-44.pem"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a witness is, in public: one name and two verifier keys."""

    name: str
    ed25519: VKey
    ml_dsa_44: VKey

    @property
    def vkeys(self) -> tuple[VKey, VKey]:
        """Both verifier keys, Ed25519 first."""
        return (self.ed25519, self.ml_dsa_44)


class Cosigner:
    """Both signers of a witness. Safe to use from several threads."""

    def __init__(self, name: str, ed25519: Ed25519PrivateKey, ml_dsa_44: MLDSA44PrivateKey) -> None:
        self._ed25519 = Ed25519CosignatureSigner(name, ed25519)
        self._ml_dsa_44 = MlDsa44CosignatureSigner(name, ml_dsa_44)
        self.identity = Identity(name, self._ed25519.vkey, self._ml_dsa_44.vkey)

    def cosign(self, text: str, timestamp: int) -> tuple[Signature, Signature]:
        """Return both cosignatures on a checkpoint's text, at one time in POSIX seconds, never 0."""
        return (self._ed25519.cosign(text, timestamp), self._ml_dsa_44.cosign(text, timestamp))


class NewKeys:
    """Both keys of a new witness, so far only in memory. Raises `MalformedKey` if no cosigner can have the name."""

    def __init__(self, name: str) -> None:
        self._ed25519, self._ml_dsa_44 = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
        self.identity = Cosigner(name, self._ed25519, self._ml_dsa_44).identity

    def store(self, directory: Path) -> None:
        """Write both durably. Raises `ConfigurationInvalid` if a key file is already there."""
        _write_private(directory / ED25519_FILE, _pem(self._ed25519))
        _write_private(directory / ML_DSA_44_FILE, _pem(self._ml_dsa_44))


def load_keys(directory: Path, name: str) -> Cosigner:
    """Read both keys.

    Raises `ConfigurationInvalid` if a file is missing, may be read by others, or holds something else.
    """
    ed25519 = _read_private(directory / ED25519_FILE)
    ml_dsa_44 = _read_private(directory / ML_DSA_44_FILE)
    if not isinstance(ed25519, Ed25519PrivateKey):
        raise ConfigurationInvalid(f"{directory / ED25519_FILE} holds no Ed25519 key")
    if not isinstance(ml_dsa_44, MLDSA44PrivateKey):
        raise ConfigurationInvalid(f"{directory / ML_DSA_44_FILE} holds no ML-DSA-44 key")
    return Cosigner(name, ed25519, ml_dsa_44)


def _pem(key: Ed25519PrivateKey | MLDSA44PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write_private(path: Path, content: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigurationInvalid(f"{path} already exists; a key is never overwritten") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _read_private(path: Path) -> PrivateKeyTypes:
    try:
        with path.open("rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            return load_pem_private_key(file.read(), password=None)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot read the key file {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConfigurationInvalid(f"{path} is not an unencrypted PKCS #8 PEM private key") from error


def _check_private(path: Path, status: os.stat_result) -> None:
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigurationInvalid(f"{path} may be read or written by others than its owner: chmod 600 {path}")

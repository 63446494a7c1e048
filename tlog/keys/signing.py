"""The log's own signing keys: Ed25519 and ML-DSA-44, as PKCS #8 PEM files that only their owner may read.

Both sign every checkpoint: Ed25519 as a plain note signature that every client knows, ML-DSA-44 as a
cosignature by the log itself (C2SP tlog-cosignature), so that checkpoints of today still convince once
Ed25519 has been broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tlog.errors import ConfigurationInvalid
from tlog.formats.cosignature import MlDsa44CosignatureSigner
from tlog.formats.ed25519 import Ed25519Signer
from tlog.keys.secret_file import create_secret_file, read_secret_file

ED25519_FILE = "ed25519.pem"
ML_DSA_44_FILE = "ml-dsa-44.pem"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The signers of one log, both under its name."""

    ed25519: Ed25519Signer
    ml_dsa_44: MlDsa44CosignatureSigner


def create_signing_keys(folder: Path, name: str) -> SigningKeys:
    """Make both private keys as new files in an existing folder, durable on return, and return the signers
    named `name`.

    Raises ConfigurationInvalid, also where a file exists: an existing key is never replaced. MalformedKey
    for a bad name.
    """
    ed25519, ml_dsa_44 = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
    keys = SigningKeys(Ed25519Signer(name, ed25519), MlDsa44CosignatureSigner(name, ml_dsa_44))
    for path in (folder / ED25519_FILE, folder / ML_DSA_44_FILE):
        if path.exists():  # before the first is made, so that no half-made pair is left
            raise ConfigurationInvalid(f"{path} exists and is not overwritten; move it away to make a new key")
    create_secret_file(folder / ED25519_FILE, _pem(ed25519))
    create_secret_file(folder / ML_DSA_44_FILE, _pem(ml_dsa_44))
    return keys


def load_signing_keys(folder: Path, name: str) -> SigningKeys:
    """Read both private keys. Raises ConfigurationInvalid, and MalformedKey for a bad `name`."""
    ed25519 = _load(folder / ED25519_FILE)
    ml_dsa_44 = _load(folder / ML_DSA_44_FILE)
    if not isinstance(ed25519, Ed25519PrivateKey):
        raise ConfigurationInvalid(f"{folder / ED25519_FILE} holds no Ed25519 key")
    if not isinstance(ml_dsa_44, MLDSA44PrivateKey):
        raise ConfigurationInvalid(f"{folder / ML_DSA_44_FILE} holds no ML-DSA-44 key")
    return SigningKeys(Ed25519Signer(name, ed25519), MlDsa44CosignatureSigner(name, ml_dsa_44))


def _pem(key: Ed25519PrivateKey | MLDSA44PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _load(path: Path) -> object:
    pem = read_secret_file(path)
    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # their messages may quote the file
        raise ConfigurationInvalid(
            f"{path} is not an unencrypted PKCS #8 PEM private key; restore its backup"
        ) from None

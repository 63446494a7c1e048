"""A witness's folder: two private keys, its public verifier keys, and its database.

* `ed25519.pem`, `ml-dsa-44.pem`: the private keys, mode 0600
* `vkeys`: the two verifier keys, one a line; what log operators need
* `witness.sqlite3`: what the witness remembers; `serve` never makes it
* `serve.lock`: held while `serve` or `migrate` runs
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tlog.errors import ConfigurationInvalid, Malformed
from tlog.formats.vkey import SignatureType, parse_vkey
from witness.keys import ED25519_FILE, ML_DSA_44_FILE, Cosigner, Identity, NewKeys, load_keys
from witness.store import DATABASE_FILE, Store

VKEYS_FILE = "vkeys"
LOCK_FILE = "serve.lock"


def create_directory(directory: Path, name: str) -> Identity:
    """Make a new witness.

    Raises `MalformedKey`, before anything is made, if no witness can have the name; `ConfigurationInvalid` if the
    folder holds any part of one already.
    """
    keys = NewKeys(name)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot make the folder {directory}: {error.strerror}") from error
    for file in (ED25519_FILE, ML_DSA_44_FILE, VKEYS_FILE, DATABASE_FILE):
        if (directory / file).exists():
            raise ConfigurationInvalid(f"{directory / file} already exists; a witness is never made over another")
    keys.store(directory)
    identity = keys.identity
    Store.create(directory / DATABASE_FILE, identity)
    _write_durably(directory / VKEYS_FILE, "".join(vkey.encode() + "\n" for vkey in identity.vkeys))
    _sync_directory(directory)
    _sync_directory(directory.absolute().parent)
    return identity


def read_identity(directory: Path) -> Identity:
    """Read who the witness of this folder is. Raises `ConfigurationInvalid`."""
    path = directory / VKEYS_FILE
    try:
        ed25519, ml_dsa_44 = (parse_vkey(line) for line in path.read_text("utf-8").splitlines())
    except OSError as error:
        raise ConfigurationInvalid(f"{directory} is not a witness's folder: {path}: {error.strerror}") from error
    except (ValueError, Malformed) as error:
        raise ConfigurationInvalid(f"{path} does not hold the two verifier keys of a witness: {error}") from error
    types = (ed25519.type, ml_dsa_44.type)
    if types != (SignatureType.COSIGNATURE_ED25519, SignatureType.COSIGNATURE_ML_DSA_44):
        raise ConfigurationInvalid(f"{path} must hold an Ed25519 and then an ML-DSA-44 cosignature key")
    if ed25519.name != ml_dsa_44.name:
        raise ConfigurationInvalid(f"the keys in {path} have different names")
    return Identity(ed25519.name, ed25519, ml_dsa_44)


def load_cosigner(directory: Path) -> Cosigner:
    """Load the private keys. Raises `ConfigurationInvalid`, also if they are not those of `DIR/vkeys`."""
    identity = read_identity(directory)
    cosigner = load_keys(directory, identity.name)
    if cosigner.identity != identity:
        raise ConfigurationInvalid(f"the private keys in {directory} do not belong to {directory / VKEYS_FILE}")
    return cosigner


def open_store(directory: Path, *, check_schema: bool = True) -> Store:
    """Open the folder's database. Raises `ConfigurationInvalid` with the reason why it must not be used."""
    return Store.open(directory / DATABASE_FILE, read_identity(directory), check_schema=check_schema)


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold the folder against a second `serve` or `migrate`. Raises `ConfigurationInvalid` if one runs.

    This catches an accident. That two witnesses over one database cannot fork rests on `Store.commit`, not on a
    lock that anyone can delete. The kernel lets go when the process ends, however it ends.
    """
    path = directory / LOCK_FILE
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationInvalid(f"cannot open {path}: {error.strerror}") from error
    try:
        _lock(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigurationInvalid(
            f"{directory} is in use: another `tlog-witness serve` or `migrate` runs on this folder"
        ) from None
    except OSError as error:
        raise ConfigurationInvalid(f"cannot lock {directory / LOCK_FILE}: {error.strerror}") from error


def _write_durably(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

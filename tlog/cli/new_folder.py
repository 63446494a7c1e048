"""Make a data folder. The settings file comes last and whole: a folder without it was never finished.

A crash in between leaves a folder that `tlog init` refuses and that holds nothing of worth: its keys have
signed nothing, no entry was sealed. An error in between removes it again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from tlog.cli.config import Config, encode_config
from tlog.cli.data_folder import DataFolder
from tlog.errors import ConfigurationInvalid, MalformedKey
from tlog.formats.note import check_key_name
from tlog.formats.policy import LogLine, Policy, encode_policy
from tlog.formats.vkey import MAX_COSIGNER_NAME_BYTES, VKey
from tlog.keys.kek_settings import open_kek
from tlog.keys.keyring import Keyring
from tlog.keys.local_kek import create_local_kek
from tlog.keys.secret_file import create_secret_file
from tlog.keys.signing import create_signing_keys
from tlog.merkle.hashing import EMPTY_ROOT
from tlog.storage.database import Database
from tlog.storage.durable import sync_folder
from tlog.storage.keyring_store import KeyringStore
from tlog.storage.log_store import LogStore
from tlog.storage.migrate import upgrade

_POLICY_HEAD = """\
# Whom to trust in the log {origin}, as C2SP tlog-policy. Auditors need this file and nothing else:
#   tlog verify FILE.tlog-proof --policy policy.txt
"""


@dataclass(frozen=True, slots=True)
class MadeFolder:
    """What `make_folder` made: the log's verifier keys and its whole policy."""

    folder: DataFolder
    vkeys: tuple[VKey, VKey]
    policy: Policy


def make_folder(path: Path, config: Config, witnesses: Policy) -> MadeFolder:
    """Make the data folder of a new log; complete and durable on return.

    `witnesses` is the policy without log lines. Raises `ConfigurationInvalid`, `MalformedKey` for a bad
    origin, `MalformedPolicy`, `Unavailable`; nothing is left behind then.
    """
    _check_origin(config.origin)
    if config.databases.log is not None and config.databases.log == config.databases.keyring:
        raise ConfigurationInvalid("the keyring needs a database of its own, to be backed up apart from the log's")
    folder = DataFolder(path)
    with _new_directory(folder):
        folder.keys.mkdir(mode=0o700)
        keys = create_signing_keys(folder.keys, config.origin)
        vkeys = (keys.ed25519.vkey, keys.ml_dsa_44.vkey)
        policy = replace(witnesses, logs=tuple(LogLine(vkey) for vkey in vkeys))
        _make_databases(folder, config)
        folder.tiles.mkdir()
        folder.erasures.mkdir(mode=0o700)
        head = _POLICY_HEAD.format(origin=config.origin).encode()
        _write(folder.policy, head + encode_policy(policy))
        for file, vkey in zip(folder.vkeys, vkeys, strict=True):
            _write(file, f"{vkey.encode()}\n".encode())
        _finish(folder, config)
    return MadeFolder(folder, vkeys, policy)


def _check_origin(origin: str) -> None:
    check_key_name(origin, MalformedKey)
    if not origin.isprintable():
        raise MalformedKey("the origin must be printable")
    if len(origin.encode()) > MAX_COSIGNER_NAME_BYTES:
        raise MalformedKey(f"the origin has more than the {MAX_COSIGNER_NAME_BYTES} bytes of ML-DSA-44 signatures")


@contextmanager
def _new_directory(folder: DataFolder) -> Iterator[None]:
    _make_directory(folder)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def _make_directory(folder: DataFolder) -> None:
    try:
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        folder.path.mkdir(mode=0o700)
    except FileExistsError:
        raise ConfigurationInvalid(_why_refused(folder)) from None
    except OSError as error:
        raise ConfigurationInvalid(f"cannot make {folder.path}: {error.strerror}") from None


def _why_refused(folder: DataFolder) -> str:
    if folder.config.exists():
        return f"{folder.path} holds a log already; nothing was changed"
    if folder.keys.exists():
        return (
            f"{folder.path} is left from a 'tlog init' that did not finish; it never signed or stored anything. "
            "Remove it and run 'tlog init' again"
        )
    return f"{folder.path} exists already; name a folder that does not exist yet"


def _make_databases(folder: DataFolder, config: Config) -> None:
    if config.kek.provider == "file":
        create_local_kek(folder.kek, os.urandom)
    database = Database(folder.database_url(config), create=config.databases.log is None)
    try:
        upgrade(database, "log")
        LogStore(database).create(config.origin, EMPTY_ROOT)
    finally:
        database.close()
    keyring = Database(folder.keyring_url(config), create=config.databases.keyring is None)
    try:
        upgrade(keyring, "keyring")
        Keyring.create(KeyringStore(keyring), open_kek(config.kek, folder.path, os.urandom), os.urandom)
    except IntegrityError:
        raise ConfigurationInvalid("the keyring database holds a keyring already; nothing was changed") from None
    finally:
        keyring.close()


def _finish(folder: DataFolder, config: Config) -> None:
    finish_folder(folder, encode_config(config).encode())


def finish_folder(folder: DataFolder, settings: bytes) -> None:
    """Everything else is on disk before the settings file appears under its name."""
    for directory in (folder.tiles, folder.erasures, folder.keys, folder.path):
        sync_folder(directory)
    unfinished = folder.config.with_suffix(".new")
    create_secret_file(unfinished, settings)
    unfinished.rename(folder.config)
    sync_folder(folder.path)
    sync_folder(folder.path.absolute().parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())

"""A log's data folder: what is in it, and how it is opened into the parts of a log.

    DIR/                     0700
      tlog.toml              0600  settings (`config`); written last, so a folder with it is complete
      policy.txt                   tlog-policy: this log's two keys, its witnesses, the quorum
      log.vkey log-mldsa.vkey      public verifier keys
      keys/                  0700  kek.key, ed25519.pem, ml-dsa-44.pem, each 0600
      log.db keyring.db      0600  unless they are on PostgreSQL
      tiles/                       what the log publishes
      erasures/              0700  what was erased, for the day a database is restored; no database holds it
      expiry-paused          0600  after a restore: nothing expires by itself until somebody says so
      serve.lock                   held while `tlog serve` runs

Nothing is opened that others may read or change, that is of another schema, or whose pieces do not belong
together: a log that runs on the wrong database or key forks itself.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tlog.cli.config import Config, parse_config
from tlog.cli.files import read_file
from tlog.errors import ConfigurationInvalid
from tlog.formats.policy import Policy, parse_policy
from tlog.keys.kek_settings import open_kek
from tlog.keys.keyring import Keyring
from tlog.keys.keyring_recipe import KeyringRecipe
from tlog.keys.secret_file import read_secret_file
from tlog.keys.signing_rotation import SigningFolder
from tlog.service.checkpoint_signer import CheckpointSigner
from tlog.service.log_parts import LogParts
from tlog.storage.database import Database
from tlog.storage.expiry_pause import PAUSE_FILE
from tlog.storage.keyring_store import KeyringStore
from tlog.storage.log_store import LogStore
from tlog.storage.migrate import require_current
from tlog.storage.tile_store import TileStore

RESTORING: Final = "restore.unfinished"
"""A file that `tlog restore` removes when it is done."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths of a data folder."""

    path: Path

    @property
    def config(self) -> Path:
        """Settings."""
        return self.path / "tlog.toml"

    @property
    def policy(self) -> Path:
        """Trust policy, also for auditors."""
        return self.path / "policy.txt"

    @property
    def vkeys(self) -> tuple[Path, Path]:
        """The Ed25519 and the ML-DSA-44 verifier key."""
        return self.path / "log.vkey", self.path / "log-mldsa.vkey"

    @property
    def keys(self) -> Path:
        """Private keys."""
        return self.path / "keys"

    @property
    def kek(self) -> Path:
        """Key-encryption key."""
        return self.keys / "kek.key"

    @property
    def rotations(self) -> Path:
        """Notes of key rotations that the log has not logged yet."""
        return self.path / "rotations"

    @property
    def notes(self) -> Path:
        """Notes of what was administered otherwise and is not logged yet."""
        return self.path / "notes"

    @property
    def tiles(self) -> Path:
        """Tiles and entry bundles."""
        return self.path / "tiles"

    @property
    def erasures(self) -> Path:
        """Erasure records."""
        return self.path / "erasures"

    @property
    def expiry_pause(self) -> Path:
        """Whether expiry is paused."""
        return self.path / PAUSE_FILE

    def database_url(self, config: Config) -> str:
        """The log's database."""
        return config.databases.log or self._sqlite("log.db")

    def keyring_url(self, config: Config) -> str:
        """The keyring's database."""
        return config.databases.keyring or self._sqlite("keyring.db")

    def _sqlite(self, name: str) -> str:
        return f"sqlite:///{(self.path / name).absolute()}"


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """An open data folder."""

    folder: DataFolder
    config: Config
    parts: LogParts


def read_config(folder: DataFolder) -> Config:
    """Return the settings of a complete data folder. Raises `ConfigurationInvalid`."""
    try:
        mode = stat.S_IMODE(folder.path.stat().st_mode)
    except OSError as error:
        raise ConfigurationInvalid(f"{folder.path}: {error.strerror}; 'tlog init' makes a data folder") from None
    if not folder.config.exists():
        if (folder.path / RESTORING).exists():
            raise ConfigurationInvalid(
                f"{folder.path} is left from a 'tlog restore' that did not finish; remove it and run that again"
            )
        raise ConfigurationInvalid(
            f"{folder.path} is no complete data folder: {folder.config.name} is missing. If 'tlog init' was "
            "interrupted, remove the folder and run it again; otherwise restore the file from its backup"
        )
    if mode & 0o077:
        raise ConfigurationInvalid(f"{folder.path} is open to others (mode {mode:04o}); run 'chmod 700' on it")
    return parse_config(read_secret_file(folder.config), str(folder.config))


@contextmanager
def open_log_database(path: Path) -> Iterator[Database]:
    """Open only the log's database, for what needs no key. Raises `ConfigurationInvalid`."""
    folder = DataFolder(path)
    database = Database(folder.database_url(read_config(folder)))
    try:
        require_current(database, "log")
        yield database
    finally:
        database.close()


@contextmanager
def open_folder(path: Path) -> Iterator[OpenFolder]:
    """Open everything a log is made of, and close its databases at the end.

    Raises `ConfigurationInvalid`, `MalformedPolicy`, `DecryptionFailed`, `StorageFault`, `Unavailable`.
    """
    folder = DataFolder(path)
    with open_parts(folder, read_config(folder)) as opened:
        yield opened


@contextmanager
def open_keyring(folder: DataFolder, config: Config) -> Iterator[Keyring]:
    """Open only the keyring, of whatever schema: a backup is made before an upgrade.

    Raises `ConfigurationInvalid`, `DecryptionFailed`, `Unavailable`.
    """
    database = Database(folder.keyring_url(config))
    try:
        yield Keyring(KeyringStore(database), open_kek(config.kek, folder.path, os.urandom), os.urandom)
    finally:
        database.close()


@contextmanager
def open_parts(folder: DataFolder, config: Config) -> Iterator[OpenFolder]:
    """Open everything as `open_folder` does, of a folder that may have no settings file yet."""
    signer = load_signer(folder, config)
    policy = load_policy(folder, signer)
    database = Database(folder.database_url(config))
    try:
        keyring_database = Database(folder.keyring_url(config))
        try:
            keyring = _open_stores(folder, config, database, keyring_database)
            tiles = TileStore.in_folder(folder.tiles)
            recipe = KeyringRecipe(folder.keyring_url(config), folder.path.absolute(), config.kek)
            records = require_records(folder)
            settings = config.settings
            parts = LogParts(
                database,
                tiles,
                keyring,
                signer,
                policy,
                settings,
                keyring_recipe=recipe,
                records=records,
                retention=config.retention_classes,
            )
            yield OpenFolder(folder, config, parts)
        finally:
            keyring_database.close()
    finally:
        database.close()


@contextmanager
def exclusive(folder: DataFolder, instead: str = "") -> Iterator[None]:
    """Hold the folder against a second `tlog serve`. The kernel lets go when the process ends, however it ends.

    Raises `ConfigurationInvalid`; `instead` says what to do where it is served.
    """
    path = folder.path / "serve.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationInvalid(f"{path} cannot be opened: {error.strerror}") from None
    try:
        _lock(descriptor, folder.path, instead)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, instead: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigurationInvalid(f"{path} is served by another process already{instead}") from None


def load_signer(folder: DataFolder, config: Config) -> CheckpointSigner:
    """Return the log's signer, whose public keys are those in the vkey files. Raises `ConfigurationInvalid`."""
    files = SigningFolder(folder.keys, config.origin)
    (ed25519, ml_dsa_44), *following = [(keys.ed25519, keys.ml_dsa_44) for keys in files.load()]
    signer = CheckpointSigner(ed25519, ml_dsa_44, following, files.retired_vkeys())
    for path, vkey in zip(folder.vkeys, signer.vkeys[:2], strict=True):
        if read_file(path).decode("utf-8", "replace").strip() != vkey.encode():
            raise ConfigurationInvalid(
                f"{path} is not the public key of the private key in {folder.keys}; if signing keys were being "
                "changed, run 'tlog key rotate signing --finish' again"
            )
    return signer


def load_policy(folder: DataFolder, signer: CheckpointSigner) -> Policy:
    """Return the folder's policy, which must list this log. Raises `ConfigurationInvalid`, `MalformedPolicy`."""
    policy = parse_policy(read_file(folder.policy))
    listed = {line.vkey for line in policy.logs}
    for vkey in signer.vkeys:
        if vkey not in listed:
            raise ConfigurationInvalid(f"{folder.policy} does not list this log's key {vkey.name}+{vkey.key_id.hex()}")
    return policy


def require_records(folder: DataFolder) -> Path:
    """Return the folder of erasure records. Raises `ConfigurationInvalid` where it is missing: an empty one in its
    place would let a restored database show what was erased."""
    if not folder.erasures.is_dir():
        raise ConfigurationInvalid(
            f"{folder.erasures} is missing: it says what was erased, and without it a restored database would show it "
            "again. Restore the newest copy of it; make it (empty, mode 0700) only if nothing was ever erased"
        )
    return folder.erasures


def _open_stores(folder: DataFolder, config: Config, database: Database, keyring: Database) -> Keyring:
    require_current(database, "log")
    require_current(keyring, "keyring")
    origin = LogStore(database).state().origin
    if origin != config.origin:
        raise ConfigurationInvalid(f"the database is of the log {origin}, the folder of {config.origin}")
    return Keyring(KeyringStore(keyring), open_kek(config.kek, folder.path, os.urandom), os.urandom)

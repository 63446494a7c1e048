"""How to open the keyring again in another process: names of files and databases, never a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import urandom
from pathlib import Path

from tlog.keys.kek_settings import KekSettings, open_kek
from tlog.keys.keyring import Keyring
from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore


@dataclass(frozen=True, slots=True)
class KeyringRecipe:
    """Where a keyring is. Goes to a sealing process as it starts."""

    database_url: str
    folder: Path
    """The data folder."""
    kek: KekSettings = field(default_factory=KekSettings)

    def open(self) -> Keyring:
        """Open the keyring for the life of this process. Raises as `Keyring` and `open_kek` do."""
        return Keyring(KeyringStore(Database(self.database_url)), open_kek(self.kek, self.folder, urandom), urandom)

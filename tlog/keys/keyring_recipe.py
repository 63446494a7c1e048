"""How to open the keyring again in another process: names of files and databases, never a key."""

from __future__ import annotations

from dataclasses import dataclass
from os import urandom
from pathlib import Path

from tlog.keys.keyring import Keyring
from tlog.keys.local_kek import load_local_kek
from tlog.storage.database import Database
from tlog.storage.keyring_store import KeyringStore


@dataclass(frozen=True, slots=True)
class KeyringRecipe:
    """Where a keyring is. Goes to a sealing process as it starts."""

    database_url: str
    kek: Path

    def open(self) -> Keyring:
        """Open the keyring for the life of this process. Raises as `Keyring` and `load_local_kek` do."""
        return Keyring(KeyringStore(Database(self.database_url)), load_local_kek(self.kek, urandom), urandom)

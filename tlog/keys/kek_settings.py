"""Which key-encryption provider a log uses, and how it is opened: the `[kek]` table. No secret is among them.

A KEK file that was replaced stays beside the new one as ``kek-<id>.key`` and unwraps what it wrapped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tlog.errors import ConfigurationInvalid
from tlog.keys.aws_kek import AwsKek
from tlog.keys.kek import KeyEncryptionProvider
from tlog.keys.local_kek import load_local_kek
from tlog.keys.secret_file import read_secret_file
from tlog.keys.vault_kek import VaultKek, VaultPlace

KEK_FILE: Final = "kek.key"
NEXT_KEK_FILE: Final = "kek-next.key"
Provider = Literal["file", "vault", "aws-kms"]


@dataclass(frozen=True, slots=True)
class KekSettings:
    """The `[kek]` table. Paths are relative to the data folder.

    provider "file": no options. "vault": url, key, mount, token_file (else the variable VAULT_TOKEN), ca, namespace.
    "aws-kms": key (ARN, id or alias), region, endpoint.
    """

    provider: Provider = "file"
    key: str | None = None
    url: str | None = None
    mount: str | None = None
    token_file: str | None = None
    ca: str | None = None
    namespace: str | None = None
    region: str | None = None
    endpoint: str | None = None

    def check(self) -> None:
        """Raise ConfigurationInvalid for options that are missing or belong to another provider."""
        needed, known = _OPTIONS[self.provider]
        given = {name for name in _ALL if getattr(self, name) is not None}
        if missing := sorted(needed - given):
            raise ConfigurationInvalid(f"kek: provider {self.provider!r} needs {', '.join(missing)}")
        if surplus := sorted(given - known):
            raise ConfigurationInvalid(f"kek: provider {self.provider!r} takes no {', '.join(surplus)}")


_OPTIONS: Final[dict[str, tuple[set[str], set[str]]]] = {
    "file": (set(), set()),
    "vault": ({"url", "key"}, {"url", "key", "mount", "token_file", "ca", "namespace"}),
    "aws-kms": ({"key"}, {"key", "region", "endpoint"}),
}
_ALL: Final = set.union(*(known for _, known in _OPTIONS.values()))


def open_kek(settings: KekSettings, folder: Path, random: Callable[[int], bytes]) -> KeyEncryptionProvider:
    """Open the provider of the log in data folder `folder`. Raises ConfigurationInvalid, Unavailable."""
    settings.check()
    if settings.provider == "vault":
        return open_vault(settings, folder)
    if settings.provider == "aws-kms":
        return AwsKek(settings.key or "", settings.region, settings.endpoint)
    keys = folder / "keys"
    return load_local_kek(keys / KEK_FILE, random, previous=previous_keks(keys))


def open_vault(settings: KekSettings, folder: Path) -> VaultKek:
    """Open the vault's key. Raises ConfigurationInvalid, Unavailable."""
    place = VaultPlace(
        (settings.url or "").rstrip("/"),
        settings.key or "",
        settings.mount or "transit",
        folder / settings.token_file if settings.token_file else None,
        folder / settings.ca if settings.ca else None,
        settings.namespace,
    )
    return VaultKek(place)


def previous_keks(keys: Path) -> list[Path]:
    """Return the files of replaced KEKs. One that is the current KEK still, in the middle of a rotation, is none."""
    current = read_secret_file(keys / KEK_FILE)
    files = sorted(path for path in keys.glob("kek-*.key") if path.name != NEXT_KEK_FILE)
    return [path for path in files if read_secret_file(path) != current]

"""A key-encryption key in the transit engine of HashiCorp Vault or OpenBao.

    wrapped = "vault:v" version ":" base64        as the engine answers it

A batch is one request, at most `_BATCH` keys; the context is the engine's `associated_data`. The key must be of an
AEAD type (`aes256-gcm96`, `chacha20-poly1305`). The token comes from a file or the environment, never from a
setting, and is read again when the server refuses it: agents renew such files.

Messages never hold what the server said: its errors may quote the request.
"""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from tlog.errors import ConfigurationInvalid, DecryptionFailed, Unavailable
from tlog.keys.secret_file import read_secret_file

_BATCH: Final = 100
_PREFIX: Final = b"vault:v"
TOKEN_VARIABLE: Final = "VAULT_TOKEN"  # noqa: S105 - the name of a variable
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VaultPlace:
    """Where a transit key is. `timeout` in seconds, for a request; `ca` a PEM file, None the system's."""

    url: str
    key: str
    mount: str = "transit"
    token_file: Path | None = None
    ca: Path | None = None
    namespace: str | None = None
    timeout: float = 10.0


class VaultKek:
    """A KeyEncryptionProvider over a transit key. Safe to use from threads."""

    def __init__(self, place: VaultPlace) -> None:
        """Connect and read the key's latest version. Raises ConfigurationInvalid, Unavailable."""
        self._place = place
        self._hvac = _import_hvac()
        self._local = threading.local()
        self._latest = self._read_latest()

    @property
    def key_name(self) -> str:
        """The key and its latest version known here."""
        return f"{self._place.key} version {self._latest}"

    def wrap_many(self, keys: Sequence[bytes], context: bytes) -> list[bytes]:
        """Return each key wrapped under the latest version. Raises Unavailable, ConfigurationInvalid."""
        wrapped: list[bytes] = []
        for start in range(0, len(keys), _BATCH):
            items = [{"plaintext": _text(key), "associated_data": _text(context)} for key in keys[start:][:_BATCH]]
            wrapped += [item["ciphertext"].encode() for item in self._batch("encrypt_data", items)]
        return wrapped

    def unwrap_many(self, wrapped: Sequence[bytes], context: bytes) -> list[bytes]:
        """Return the keys. Raises DecryptionFailed, Unavailable, ConfigurationInvalid."""
        if any(version_of(item) is None for item in wrapped):
            raise DecryptionFailed("a data key is wrapped under a key-encryption key that is not in this vault")
        keys: list[bytes] = []
        for start in range(0, len(wrapped), _BATCH):
            part = wrapped[start : start + _BATCH]
            items = [{"ciphertext": item.decode("ascii"), "associated_data": _text(context)} for item in part]
            keys += [base64.b64decode(item["plaintext"]) for item in self._batch("decrypt_data", items)]
        return keys

    def is_current(self, wrapped: bytes) -> bool:
        """Tell whether the key is wrapped under the latest version known here."""
        return version_of(wrapped) == self._latest

    def rotate(self) -> None:
        """Have the engine make a new version. Raises Unavailable, ConfigurationInvalid."""
        self._call(lambda transit: transit.rotate_key(self._place.key, mount_point=self._place.mount))
        self._latest = self._read_latest()

    def forget_versions_before_latest(self) -> None:
        """Have the engine destroy the older versions, for good. Raises Unavailable, ConfigurationInvalid."""
        place, latest = self._place, self._latest
        # One after the other: hvac refuses both at one value. The engine wants encryption never below decryption.
        for limit in ("min_encryption_version", "min_decryption_version"):
            self._call(
                lambda transit, limit=limit: transit.update_key_configuration(  # type: ignore[misc]
                    place.key, mount_point=place.mount, **{limit: latest}
                )
            )
        self._call(lambda transit: transit.trim_key(place.key, min_version=latest, mount_point=place.mount))

    def _read_latest(self) -> int:
        answer = self._call(lambda transit: transit.read_key(self._place.key, mount_point=self._place.mount))
        return int(answer["data"]["latest_version"])

    def _batch(self, method: str, items: list[dict[str, str]]) -> list[dict[str, str]]:
        place = self._place
        first = items[0]
        field = "plaintext" if method == "encrypt_data" else "ciphertext"
        try:
            answer = self._call(
                lambda transit: getattr(transit, method)(
                    place.key, batch_input=items, mount_point=place.mount, **{field: first[field]}
                )
            )
        except self._hvac.exceptions.InvalidRequest:
            raise _refusal(method) from None
        results: list[dict[str, str]] = answer["data"]["batch_results"]
        if len(results) != len(items) or any(item.get("error") for item in results):
            raise _refusal(method)
        return results

    def _call(self, ask: Callable[[Any], T]) -> T:
        errors = self._hvac.exceptions
        try:
            try:
                return ask(self._transit())
            except errors.Forbidden:  # the token may have been renewed since
                self._local.client = None
                return ask(self._transit())
        except errors.InvalidRequest:
            raise
        except (errors.Forbidden, errors.Unauthorized):
            raise ConfigurationInvalid(
                f"the vault {self._place.url} refuses this token for transit key {self._place.key!r}"
            ) from None
        except errors.InvalidPath:
            raise ConfigurationInvalid(
                f"the vault {self._place.url} has no transit key {self._place.key!r} at {self._place.mount!r}"
            ) from None
        except (errors.VaultError, OSError) as error:  # requests' errors are OSErrors
            raise Unavailable(f"the vault {self._place.url} does not answer: {type(error).__name__}") from None

    def _transit(self) -> Any:
        client = getattr(self._local, "client", None)
        if client is None:
            place = self._place
            client = self._hvac.Client(
                url=place.url,
                token=_token(place.token_file),
                verify=str(place.ca) if place.ca else True,
                timeout=place.timeout,
                namespace=place.namespace,
                allow_redirects=False,
            )
            self._local.client = client
        return client.secrets.transit


def version_of(wrapped: bytes) -> int | None:
    """Return the version in a wrapped key; None for what no transit engine wrapped."""
    head, _, rest = wrapped.removeprefix(_PREFIX).partition(b":")
    return int(head) if wrapped.startswith(_PREFIX) and head.isdigit() and rest and rest.isascii() else None


def _refusal(method: str) -> Exception:
    if method == "encrypt_data":
        return ConfigurationInvalid("the vault's key does not wrap: it must be of type aes256-gcm96")
    return DecryptionFailed("a data key does not unwrap: it was changed, is used out of place, or its version is gone")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _token(file: Path | None) -> str:
    token = read_secret_file(file).decode("utf-8", "replace").strip() if file else os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise ConfigurationInvalid(f"no vault token: name a file in kek.token_file, or set {TOKEN_VARIABLE}")
    return token


def _import_hvac() -> Any:
    try:
        import hvac  # noqa: PLC0415 - an optional dependency, and slow to import
    except ImportError:
        raise ConfigurationInvalid("the KEK provider 'vault' needs hvac: pip install 'tlog-audit[vault]'") from None
    return hvac

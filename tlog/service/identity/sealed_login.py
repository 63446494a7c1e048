"""A login under way, sealed into the cookie of the browser that began it.

    base64url( nonce (12 bytes) || AES-256-GCM(key, JSON of PendingLogin, "tlog login") )

The key is drawn when the process starts and is nowhere else: a restart ends the logins under way. The log keeps
nothing for a login that was only begun, so whoever begins many uses no memory. Invariants:

* A login is taken once: its state is remembered until the login would have ended anyhow.
* At most `MAX_TAKEN` are remembered; over that the oldest is forgotten. A second try of it still needs the same browser
  and a code, which the provider takes once only.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tlog.errors import LoginRefused
from tlog.service.identity.authorization import PendingLogin

MAX_TAKEN: Final = 10_000
MAX_SEALED_LENGTH: Final = 3072
_CONTEXT: Final = b"tlog login"
_NONCE_BYTES: Final = 12


class SealedLogins:
    """Seals and opens logins. `random` returns so many random bytes."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._cipher = AESGCM(random(32))
        self._taken: dict[str, None] = {}  # Oldest first.

    def seal(self, login: PendingLogin) -> str:
        """Return the cookie's value."""
        nonce = self._random(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, msgspec.json.encode(login), _CONTEXT)
        return urlsafe_b64encode(nonce + sealed).decode()

    def take(self, sealed: str | None) -> PendingLogin:
        """Return the login in a cookie's value, once. Raises `LoginRefused`."""
        if sealed is None:
            raise LoginRefused("this browser has no login under way, or takes no cookies; begin the login again")
        login = self._open(sealed)
        if login.state in self._taken:
            raise LoginRefused("this login was ended already; begin it again")
        if len(self._taken) >= MAX_TAKEN:
            del self._taken[next(iter(self._taken))]
        self._taken[login.state] = None
        return login

    def _open(self, sealed: str) -> PendingLogin:
        try:
            data = urlsafe_b64decode(sealed[:MAX_SEALED_LENGTH])
            if urlsafe_b64encode(data).decode() != sealed:
                raise ValueError("another spelling of the same bytes")
            plain = self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _CONTEXT)
        except (InvalidTag, binascii.Error, ValueError):
            raise LoginRefused("this browser's login is not known here any more; begin it again") from None
        return msgspec.json.decode(plain, type=PendingLogin)

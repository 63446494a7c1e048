"""A login under way: authorization code flow (OpenID Connect Core section 3.1) with PKCE (RFC 7636), state and nonce.

    browser → log        GET /ui/login/openid
    log → browser        302 to the provider, with state, nonce and the hash of a verifier that only the log knows
    provider → browser   302 to /ui/login/openid/callback?code=…&state=…
    log → provider       code and verifier for an ID token

`state` binds the answer to the browser that began, `nonce` the ID token to this login, the verifier the code to this
log. A login ends after `LOGIN_SECONDS`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from tlog.errors import LoginRefused
from tlog.service.identity.metadata import Metadata

LOGIN_SECONDS: Final = 600
MAX_CODE_LENGTH: Final = 4096
_ERROR: Final = re.compile(r"[a-z_]{1,64}")
_BEGIN_AGAIN: Final = "begin the login again"


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """What the log must remember of a login; `started_at` in Unix seconds, `return_to` a path of this log."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    started_at: int
    return_to: str


def new_login(random: Callable[[int], bytes], now: int, return_to: str) -> PendingLogin:
    """Return a login with three fresh values of 256 bits each. `random` returns that many random bytes."""
    state, nonce, verifier = (_base64url(random(32)) for _ in range(3))
    return PendingLogin(state, nonce, verifier, now, return_to)


def challenge_of(verifier: str) -> str:
    """Return the code challenge, method S256 (RFC 7636 section 4.2)."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def authorization_url(
    metadata: Metadata, client_id: str, scopes: tuple[str, ...], redirect_uri: str, login: PendingLogin
) -> str:
    """Return where to send the browser (OpenID Connect Core section 3.1.2.1)."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "scope": " ".join(scopes),
            "redirect_uri": redirect_uri,
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": challenge_of(login.verifier),
            "code_challenge_method": "S256",
        }
    )
    separator = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{separator}{query}"


def code_of(answer: Mapping[str, str], login: PendingLogin, metadata: Metadata, now: int) -> str:
    """Return the code in the provider's answer, the query of the callback. Raises `LoginRefused`.

    The state is looked at first: an answer to another login says nothing about this one, not even its error.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(errors="replace"), login.state.encode()):
        raise LoginRefused(f"this is not the answer to the login that this browser began; {_BEGIN_AGAIN}")
    if not login.started_at <= now < login.started_at + LOGIN_SECONDS:
        raise LoginRefused(f"the login took longer than {LOGIN_SECONDS} seconds; {_BEGIN_AGAIN}")
    _check_issuer(answer.get("iss"), metadata)
    if "error" in answer:
        said = answer["error"]
        raise LoginRefused(f"the identity provider refused: {said if _ERROR.fullmatch(said) else 'no known reason'}")
    code = answer.get("code", "")
    if not 0 < len(code) <= MAX_CODE_LENGTH:
        raise LoginRefused(f"the identity provider sent no code; {_BEGIN_AGAIN}")
    return code


def _check_issuer(said: str | None, metadata: Metadata) -> None:
    """RFC 9207 section 2.4: it must be the issuer where it is sent, and be sent where the provider says it is."""
    if said != metadata.issuer and (said is not None or metadata.iss_in_answer):
        raise LoginRefused(f"the answer is not from the identity provider that was asked (iss); {_BEGIN_AGAIN}")


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()

"""The ID token at the end of a login (OpenID Connect Core 1.0 sections 3.1.3.7 and 3.1.3.8)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

from tlog.errors import TokenInvalid
from tlog.service.identity.claims import CLOCK_SKEW_SECONDS, Claims, audiences, check_times, require_issuer, subject_of

MAX_AGE_SECONDS: Final = 600  # It was made for this login, a moment ago.


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say. `access_token` came with it, if any; `now` is in Unix seconds."""

    issuer: str
    client_id: str
    trusted_audiences: tuple[str, ...]
    nonce: str = field(repr=False)
    access_token: str | None = field(repr=False)
    now: int


def check_id_token(claims: Claims, alg: str, expected: Expected) -> int:
    """Return when the token ends. Raises `TokenInvalid` unless it is for this client, this login and this moment.

    `claims` are verified claims, `alg` the algorithm of their signature.
    """
    require_issuer(claims, expected.issuer)
    _check_audience(claims, expected)
    issued, expires = check_times(claims, expected.now)
    if issued < expected.now - MAX_AGE_SECONDS - CLOCK_SKEW_SECONDS:
        raise TokenInvalid(f"the ID token was issued over {MAX_AGE_SECONDS} seconds ago, so not for this login")
    subject_of(claims)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise TokenInvalid("the ID token is not for this login (nonce)")
    _check_access_token_hash(claims, alg, expected.access_token)
    return expires


def _check_audience(claims: Claims, expected: Expected) -> None:
    named = audiences(claims)
    if expected.client_id not in named:
        raise TokenInvalid("the ID token is for another client (aud)")
    if not named <= {expected.client_id, *expected.trusted_audiences}:
        raise TokenInvalid("the ID token is also for others, who are not in trusted_audiences (aud)")
    party = claims.get("azp")
    if len(named) > 1 and party is None:
        raise TokenInvalid("the ID token is for several, and does not say who asked for it (azp)")
    if party is not None and party != expected.client_id:
        raise TokenInvalid("the ID token was made for another client (azp)")


def _check_access_token_hash(claims: Claims, alg: str, access_token: str | None) -> None:
    said = claims.get("at_hash")
    if said is None or access_token is None:
        return
    digest = hashlib.sha512 if alg == "Ed25519" else getattr(hashlib, f"sha{alg[2:]}")
    hashed = digest(access_token.encode()).digest()
    half = urlsafe_b64encode(hashed[: len(hashed) // 2]).rstrip(b"=").decode()
    if said != half:
        raise TokenInvalid("the ID token does not belong to the access token beside it (at_hash)")

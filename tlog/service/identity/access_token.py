"""A JWT access token that a service brings as bearer token: RFC 9068 section 4, RFC 8725, RFC 8705 section 3.

Profile "rfc9068" (default): `typ` is `at+jwt`, and `client_id` and `jti` are there. Profile "jwt", for providers that
don't make such tokens: `typ` is `JWT` or missing, and `client_id` may be called `azp`. An ID token is refused under
both: its audience is the client of the login, which never is the audience of the interface.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final

from tlog.errors import TokenInvalid
from tlog.service.identity.claims import CLOCK_SKEW_SECONDS, Claims, audiences, check_times, require_issuer, subject_of

MAX_LIFETIME_SECONDS: Final = 24 * 3600  # It can't be revoked, so it must end soon.
_TYPES: Final[dict[str, set[str | None]]] = {
    "rfc9068": {"at+jwt", "application/at+jwt"},
    "jwt": {"jwt", "application/jwt", "at+jwt", "application/at+jwt", None},
}


@dataclass(frozen=True, slots=True)
class ExpectedAccess:
    """What an access token must say. `thumbprint` is the SHA-256 of the client certificate of the connection."""

    issuer: str
    audience: str
    profile: str
    now: int
    thumbprint: bytes | None = None


def check_type(typ: str | None, profile: str) -> None:
    """Raise `TokenInvalid` unless a token's `typ` header is one of the profile. Compared without case (RFC 2045)."""
    if (typ.lower() if typ is not None else None) not in _TYPES[profile]:
        raise TokenInvalid("the token is no access token of RFC 9068 (typ is not at+jwt)")


def check_access_token(claims: Claims, expected: ExpectedAccess) -> tuple[int, str | None]:
    """Return when the token ends and which client it was issued to. Raises `TokenInvalid`."""
    require_issuer(claims, expected.issuer)
    if expected.audience not in audiences(claims):
        raise TokenInvalid("the token is for another audience (aud)")
    _, expires = check_times(claims, expected.now)
    if expires > expected.now + MAX_LIFETIME_SECONDS + CLOCK_SKEW_SECONDS:
        raise TokenInvalid(f"the token is valid for more than {MAX_LIFETIME_SECONDS} seconds, and can't be revoked")
    subject_of(claims)
    _check_confirmation(claims.get("cnf"), expected.thumbprint)
    return expires, _client_of(claims, expected.profile)


def _client_of(claims: Claims, profile: str) -> str | None:
    client = claims.get("client_id")
    if profile == "jwt":
        client = claims.get("azp") if client is None else client
        return client if isinstance(client, str) else None
    for name in ("client_id", "jti"):
        if not isinstance(claims.get(name), str):
            raise TokenInvalid(f"the token has no {name}, which RFC 9068 requires")
    return str(client)


def _check_confirmation(cnf: Any, thumbprint: bytes | None) -> None:
    """A token that is bound to a key is worth nothing without that key; only certificates (RFC 8705) are checked."""
    if cnf is None:
        return
    bound = cnf.get("x5t#S256") if isinstance(cnf, dict) and set(cnf) == {"x5t#S256"} else None
    if not isinstance(bound, str):
        raise TokenInvalid("the token is bound to a key in a way that is not known here (cnf)")
    mine = b"" if thumbprint is None else urlsafe_b64encode(thumbprint).rstrip(b"=")
    if not hmac.compare_digest(bound.encode(), mine):
        raise TokenInvalid("the token is bound to a client certificate, and this connection has another or none (cnf)")

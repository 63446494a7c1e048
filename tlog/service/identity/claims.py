"""Claims that ID tokens and access tokens share (RFC 7519 section 4.1), and what an identity is made of them.

Times are Unix seconds; the clocks of log and provider may differ by `CLOCK_SKEW_SECONDS`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from tlog.errors import TokenInvalid
from tlog.service.identity.identity import Identity

CLOCK_SKEW_SECONDS: Final = 60
MAX_SUBJECT_LENGTH: Final = 255  # OpenID Connect Core section 2
MAX_TEXT_LENGTH: Final = 256
MAX_GROUPS: Final = 1000

Claims = Mapping[str, Any]


def require_issuer(claims: Claims, issuer: str) -> None:
    """Raise `TokenInvalid` unless the token is of this issuer, to the letter."""
    if claims.get("iss") != issuer:
        raise TokenInvalid("the token is of another issuer")


def audiences(claims: Claims) -> frozenset[str]:
    """Return for whom the token is. Raises `TokenInvalid` where it does not say so."""
    value = claims.get("aud")
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or not several or not all(isinstance(item, str) for item in several):
        raise TokenInvalid("the token does not say for whom it is (aud)")
    return frozenset(several)


def time_claim(claims: Claims, name: str) -> int | None:
    """Return a NumericDate in whole seconds, None where it is missing. Raises `TokenInvalid`."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 40:
        raise TokenInvalid(f"the token's {name} is not a time")
    return math.floor(value)


def check_times(claims: Claims, now: int) -> tuple[int, int]:
    """Return `iat` and `exp`. Raises `TokenInvalid` for a token that is over, not yet valid, or does not say so."""
    issued, expires, begins = (time_claim(claims, name) for name in ("iat", "exp", "nbf"))
    if issued is None or expires is None:
        raise TokenInvalid("the token does not say when it was issued and when it ends (iat, exp)")
    if now >= expires + CLOCK_SKEW_SECONDS:
        raise TokenInvalid("the token has expired")
    if max(issued, begins or 0) > now + CLOCK_SKEW_SECONDS:
        raise TokenInvalid("the token is from the future: look at the clocks of the log and the identity provider")
    return issued, expires


def subject_of(claims: Claims) -> str:
    """Return `sub`: 1 to 255 printable ASCII characters. Raises `TokenInvalid`."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not _printable(subject):
        raise TokenInvalid(f"the token's sub is not a text of 1 to {MAX_SUBJECT_LENGTH} printable ASCII characters")
    return subject


def at_path(claims: Claims, path: str) -> Any:
    """Return the claim of this name, or else what a dotted path leads to, or None.

    A whole name wins: some providers have claims like ``https://example.com/roles``.
    """
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def groups_of(claims: Claims, path: str) -> tuple[str, ...]:
    """Return the values of the roles claim: of a list, its texts; of an object, its names; of a text, itself.

    Raises `TokenInvalid` for over `MAX_GROUPS`; none of them is left out silently.
    """
    value = at_path(claims, path)
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | dict):
        return ()
    if len(items) > MAX_GROUPS:
        raise TokenInvalid(f"the token names over {MAX_GROUPS} groups; have the provider send fewer")
    return tuple(dict.fromkeys(item for item in items if isinstance(item, str)))


def text_at(claims: Claims, path: str) -> str | None:
    """Return a text to show, None where there is none; cut to `MAX_TEXT_LENGTH`, without control characters."""
    value = at_path(claims, path)
    if not isinstance(value, str):
        return None
    shown = "".join(character for character in value if character.isprintable()).strip()
    return shown[:MAX_TEXT_LENGTH] or None


def identity_of(claims: Claims, name_claim: str, roles_claim: str, expires_at: int, client: str | None) -> Identity:
    """Return the identity that verified claims describe. Raises `TokenInvalid`."""
    return Identity(
        issuer=claims["iss"],
        subject=subject_of(claims),
        name=text_at(claims, name_claim),
        email=text_at(claims, "email"),
        groups=groups_of(claims, roles_claim),
        expires_at=expires_at,
        authenticated_at=time_claim(claims, "auth_time"),
        client=client,
    )


def _printable(text: str) -> bool:
    return text.isascii() and text.isprintable()

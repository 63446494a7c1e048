"""A signed token: JWS compact serialization (RFC 7515 section 7.1) whose payload is a JSON object (RFC 7519).

    base64url(header) "." base64url(claims) "." base64url(signature)

Rules (RFC 8725): the algorithm is one of `algorithms`, and fits the key that `kid` names; the key never comes from the
token (`jwk`, `jku`, `x5u` are not looked at); `crit` names extensions, none is understood, so it is refused; no
object names a member twice; the claims are looked at only once the signature verified.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError

from tlog.errors import MalformedToken, TokenInvalid
from tlog.service.identity.algorithms import ALGORITHMS
from tlog.service.identity.key_set import KeySet
from tlog.service.identity.provider_json import member, parse_object

MAX_TOKEN_BYTES: Final = 16 * 1024
_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class _Registry(jws.JWSRegistry):
    max_header_length = MAX_TOKEN_BYTES
    max_payload_length = MAX_TOKEN_BYTES
    max_signature_length = MAX_TOKEN_BYTES


# A registry's own list of algorithms is the one that counts; the argument beside it would be ignored.
_REGISTRY: Final = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token as it came; nothing of it is verified but its form."""

    text: str = field(repr=False)
    alg: str
    kid: str | None
    typ: str | None

    def verified_claims(self, keys: KeySet) -> dict[str, Any]:
        """Return the claims under a signature that verifies. Raises `TokenInvalid`, `MalformedToken`."""
        key = keys.find(self.kid, self.alg)
        try:
            opened = jws.deserialize_compact(self.text, key, registry=_REGISTRY)
        except (JoseError, ValueError, TypeError):
            raise TokenInvalid("the token's signature does not verify") from None
        return parse_object(opened.payload or b"", "token: claims", MalformedToken)


def parse_token(text: str) -> SignedToken:
    """Return the token in `text`. Raises `MalformedToken`, `TokenInvalid` for what is never accepted."""
    if len(text) > MAX_TOKEN_BYTES:
        raise MalformedToken(f"token: over {MAX_TOKEN_BYTES} bytes")
    found = _COMPACT.fullmatch(text)
    if found is None:
        raise MalformedToken("token: not three parts of base64url with dots between them")
    header = parse_object(_decode(found[1]), "token: header", MalformedToken)
    alg = member(header, "alg", str, MalformedToken)
    if alg not in ALGORITHMS:
        raise TokenInvalid("the token is not signed with an algorithm that is accepted here")
    if "crit" in header:
        raise TokenInvalid("the token needs an extension (crit) that is not known here")
    kid, typ = (member(header, name, str, MalformedToken) for name in ("kid", "typ"))
    return SignedToken(text, alg, kid, typ)


def _decode(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise MalformedToken("token: header is not base64url") from None

"""Makes tokens as a provider does, and as no provider would: header and claims are given byte by byte where wanted."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import cache
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tlog.service.identity.key_set import KeySet, parse_key_set

ISSUER = "https://id.example"
CLIENT = "tlog"
AUDIENCE = "https://log.example"
NOW = 1_800_000_000


def key(alg: str = "RS256", kid: str = "k1") -> Any:
    """A private key for an algorithm, the same one for the same arguments."""
    return _key(alg, kid)


@cache
def _key(alg: str, kid: str) -> Any:
    parameters: Any = {"kid": kid, "use": "sig", "alg": alg}
    if alg[:2] in {"RS", "PS"}:
        return RSAKey.generate_key(2048, parameters)
    if alg.startswith("ES"):
        return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[alg], parameters)
    return OKPKey.generate_key("Ed25519", parameters)


def jwk(alg: str = "RS256", kid: str = "k1", /, **changed: Any) -> dict[str, Any]:
    """The public half as the provider publishes it."""
    made = {**key(alg, kid).as_dict(private=False), **changed}
    return {name: value for name, value in made.items() if value is not None}


def key_set_bytes(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys or (jwk(),)}).encode()


def key_set(*keys: dict[str, Any]) -> KeySet:
    return parse_key_set(key_set_bytes(*keys))


def id_claims(**changed: Any) -> dict[str, Any]:
    """The claims of a good ID token; None takes one away."""
    claims = {"iss": ISSUER, "sub": "s-1", "aud": CLIENT, "iat": NOW, "exp": NOW + 300, "nonce": "n-1"} | changed
    return {name: value for name, value in claims.items() if value is not None}


def access_claims(**changed: Any) -> dict[str, Any]:
    """The claims of a good RFC 9068 access token; None takes one away."""
    claims = {"iss": ISSUER, "sub": "svc-1", "aud": [AUDIENCE], "iat": NOW, "exp": NOW + 300, "jti": "1"}
    claims |= {"client_id": "svc", "groups": ["log-auditors"]} | changed
    return {name: value for name, value in claims.items() if value is not None}


def sign(claims: dict[str, Any] | bytes, alg: str = "RS256", kid: str | None = "k1", /, **header: Any) -> str:
    """A token under the key of `alg` and `kid`; `header` adds members, and replaces them."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    said = {"alg": alg} | ({} if kid is None else {"kid": kid}) | header
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    registry.max_payload_length = 1 << 20
    return jws.serialize_compact(said, payload, key(alg, kid or "k1"), registry=registry)


def unsigned(header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes, signature: bytes = b"x") -> str:
    """Three parts, whatever is in them."""
    parts = (item if isinstance(item, bytes) else json.dumps(item).encode() for item in (header, claims))
    return ".".join(b64(part) for part in (*parts, signature))


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Clock:
    """A clock that a test turns."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now

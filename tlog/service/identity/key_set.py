"""The provider's public keys: a JWK Set (RFC 7517 section 5), of which only keys that verify signatures are kept.

Ignored: keys for encryption, symmetric and private ones, RSA below 2048 and above 8192 bits, curves that no algorithm
here uses. Two usable keys of one type under one `kid` make the set ambiguous, and it is refused.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from tlog.errors import MalformedProviderAnswer, TokenInvalid, TokenKeyUnknown
from tlog.service.identity.algorithms import ALGORITHMS, CURVES
from tlog.service.identity.provider_json import parse_object

MAX_KEYS: Final = 64
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
PublicKey: TypeAlias = RSAKey | ECKey | OKPKey


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """One of the keys; `kind` is its type and curve, `alg` the one algorithm that it is for, if it says so."""

    kid: str | None
    kind: tuple[str, str | None]
    alg: str | None
    key: PublicKey


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys that a provider signs tokens with."""

    keys: tuple[VerificationKey, ...]

    def find(self, kid: str | None, alg: str) -> PublicKey:
        """Return the key that a token names, for its algorithm.

        Without `kid` there must be one key that fits (OpenID Connect Core section 10.1). Raises `TokenKeyUnknown`
        for a `kid` that is not in the set, `TokenInvalid` where none or several fit.
        """
        named = [item for item in self.keys if kid is None or item.kid == kid]
        if kid is not None and not named:
            raise TokenKeyUnknown("the token is signed under a key that the identity provider does not publish")
        fit = [item for item in named if item.kind == ALGORITHMS[alg] and item.alg in (None, alg)]
        if len(fit) != 1:
            raise TokenInvalid("no single key of the identity provider fits the token's algorithm")
        return fit[0].key


def parse_key_set(data: bytes) -> KeySet:
    """Return the usable keys of a JWK Set. Raises `MalformedProviderAnswer`, also where none is usable."""
    keys = parse_object(data, "key set", MalformedProviderAnswer).get("keys")
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise MalformedProviderAnswer(f"key set: keys is not a list of at most {MAX_KEYS}")
    usable = tuple(found for item in keys if (found := _usable(item)) is not None)
    if not usable:
        raise MalformedProviderAnswer("key set: none of its keys can verify a signature that is accepted here")
    if len({(item.kid, item.kind, item.alg) for item in usable}) != len(usable):
        raise MalformedProviderAnswer("key set: two keys of one type have the same kid")
    return KeySet(usable)


def _usable(item: Any) -> VerificationKey | None:
    if not isinstance(item, dict) or not _verifies(item) or not _is_strong(item):
        return None
    public = {name: item[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in item}
    try:
        key = cast(PublicKey, import_key(public))
        _ = key.public_key  # read now, so that a point off its curve is found here
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return VerificationKey(item.get("kid"), (item["kty"], item.get("crv")), item.get("alg"), key)


def _verifies(item: dict[str, Any]) -> bool:
    if item.get("use", "sig") != "sig" or "d" in item or "k" in item:
        return False
    operations = item.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return False
    return all(isinstance(item.get(name), str | None) for name in ("kid", "alg"))


def _is_strong(item: dict[str, Any]) -> bool:
    if item.get("kty") == "RSA":
        return MIN_RSA_BITS <= _bits(item.get("n")) <= MAX_RSA_BITS and "crv" not in item
    return item.get("kty") in {"EC", "OKP"} and item.get("crv") in CURVES


def _bits(number: Any) -> int:
    if not isinstance(number, str) or len(number) > MAX_RSA_BITS:
        return 0
    try:
        return int.from_bytes(urlsafe_b64decode(number + "=" * (-len(number) % 4))).bit_length()
    except (binascii.Error, ValueError):
        return 0

"""The signature algorithms that a token may have (RFC 7518 section 3, RFC 9864): asymmetric ones only.

`none` and HMAC are never among them: with HMAC, whoever knows the provider's public key could sign (RFC 8725
sections 2.1 and 3.1). `EdDSA` is deprecated by RFC 9864 and not taken; `Ed25519` is.
"""

from __future__ import annotations

from typing import Final

# algorithm: (key type, curve)
ALGORITHMS: Final[dict[str, tuple[str, str | None]]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"),
}
CURVES: Final = frozenset(curve for _, curve in ALGORITHMS.values() if curve is not None)

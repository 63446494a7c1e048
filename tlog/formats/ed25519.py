"""Ed25519 note signatures, type 0x01 (https://c2sp.org/signed-note, "Ed25519 signatures").

Definition: value = Ed25519(private key, note text), RFC 8032, 64 bytes, over the text with its final newline.

    key ID = SHA-256(key name || 0x0A || 0x01 || 32-byte public key)[:4]

Rules: `Ed25519Signer` signs any text it is given; what a key may sign is decided above it. A public key is
checked where it is configured (`check_point`, run by `VKey`), so verifying never meets a weak point.

Example:

    signer = Ed25519Signer("example.com/foo", Ed25519PrivateKey.generate())
    signature = signer.sign("This is an example message.\\n")
    Ed25519Verifier(signer.vkey).verify("This is an example message.\\n", signature.value)
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tlog.errors import MalformedKey, SignatureInvalid
from tlog.formats.ed25519_point import check_point
from tlog.formats.encoding import shown
from tlog.formats.note import Signature
from tlog.formats.vkey import SignatureType, VKey

__all__ = ["Ed25519Signer", "Ed25519Verifier", "check_point"]


class Ed25519Verifier:
    """Checks Ed25519 signatures of one key. MalformedKey if the vkey is of another type."""

    def __init__(self, vkey: VKey) -> None:
        if vkey.type is not SignatureType.ED25519:
            raise MalformedKey(f"vkey {shown(vkey.name)}: not an Ed25519 key (0x01)")
        self.vkey = vkey
        self.name = vkey.name
        self.key_id = vkey.key_id
        self._key = Ed25519PublicKey.from_public_bytes(vkey.public_key)

    def verify(self, text: str, value: bytes) -> None:
        """Check `value` (64 bytes) over the note's `text`. Raises SignatureInvalid."""
        try:
            self._key.verify(value, text.encode())
        except InvalidSignature:
            raise SignatureInvalid(f"the Ed25519 signature by {shown(self.name)} does not verify") from None


class Ed25519Signer:
    """Makes Ed25519 note signatures under one key name."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self.vkey = VKey(name, SignatureType.ED25519, private_key.public_key().public_bytes_raw())
        self._key_id = self.vkey.key_id
        self._key = private_key

    def sign(self, text: str) -> Signature:
        """Return the signature over a note's `text`, which ends with a newline."""
        return Signature(self.vkey.name, self._key_id, self._key.sign(text.encode()))

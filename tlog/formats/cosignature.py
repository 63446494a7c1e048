"""Cosignatures: a cosigner's dated statement about a checkpoint (https://c2sp.org/tlog-cosignature).

Format of the signature value, below the usual key ID of a note's signature line:

    value = uint64 timestamp (POSIX seconds, big-endian, below 2^63) || signature
    0x04  signature = Ed25519, 64 bytes, over    "cosignature/v1\\ntime " timestamp "\\n" || note text
    0x06  signature = ML-DSA-44, 2420 bytes (FIPS 204, pure, empty context), over
          "subtree/v1\\n\\0" || len cosigner || timestamp || len origin || start || end || root hash
          (lengths one byte, numbers uint64; a checkpoint has start 0 and end = tree size)

Rules and what follows from them:

* 0x04 covers the whole text but not the cosigner's name, so one public key belongs to one cosigner only.
* 0x06 covers name, origin, size and root but no extension line: replacing extension lines leaves it valid.
  We cosign such checkpoints all the same, and nobody may conclude anything from their extension lines.
* Name and origin have 1 to 255 bytes under 0x06. A subtree that does not start at 0 has timestamp 0.
* Timestamp 0 under 0x06 makes no statement that this was the largest tree seen. Verifiers here accept it as
  the signature it is; `policy` does not count it as a witness's. Signers here never make it.

Example: the message of an Ed25519 cosignature at 2023-03-20T12:25:47Z:

    cosignature/v1
    time 1679315147
    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from tlog.errors import MalformedCheckpoint, MalformedCosignature, MalformedKey, SignatureInvalid
from tlog.formats.checkpoint import parse_checkpoint
from tlog.formats.ed25519 import Ed25519Verifier
from tlog.formats.encoding import HASH_BYTES, MAX_SIZE, shown
from tlog.formats.note import Signature, Verifier
from tlog.formats.vkey import SignatureType, VKey

TIMESTAMP_BYTES: Final = 8
MAX_NAME_BYTES: Final = 255
_LABEL: Final = b"subtree/v1\n\0"
_SIGNATURE_BYTES: Final = {SignatureType.COSIGNATURE_ED25519: 64, SignatureType.COSIGNATURE_ML_DSA_44: 2420}


def cosignature_timestamp(value: bytes, type_: SignatureType) -> int:
    """Return the POSIX seconds of a cosignature's value. Believe them only after `verify`.

    Raises MalformedCosignature for a type without a timestamp, another length, or 2^63 and above.
    """
    if type_ not in _SIGNATURE_BYTES:
        raise MalformedCosignature(f"signature type 0x{type_:02x} has no timestamp")
    expected = TIMESTAMP_BYTES + _SIGNATURE_BYTES[type_]
    if len(value) != expected:
        raise MalformedCosignature(f"cosignature: {len(value)} bytes where {expected} belong")
    timestamp = int.from_bytes(value[:TIMESTAMP_BYTES], "big")
    if timestamp > MAX_SIZE:
        raise MalformedCosignature("cosignature: timestamp above 2^63 - 1")
    return timestamp


def ed25519_message(timestamp: int, text: str) -> bytes:
    """Return what an Ed25519 cosignature of `text` signs (tlog-cosignature "Ed25519 signed message")."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def subtree_message(  # noqa: PLR0913, PLR0917 - the six fields of cosigned_message, in its order
    cosigner: str, timestamp: int, origin: str, start: int, end: int, root: bytes
) -> bytes:
    """Return the message of an ML-DSA-44 cosignature of the subtree [start, end) of leaves.

    `timestamp` is in POSIX seconds, 0 for no statement about time. ValueError for what has no message.
    Source: tlog-cosignature "ML-DSA-44 signed message".
    """
    if start and timestamp:
        raise ValueError("a subtree that does not start at 0 has timestamp 0")
    if not 0 <= start <= end <= MAX_SIZE or not 0 <= timestamp <= MAX_SIZE or len(root) != HASH_BYTES:
        raise ValueError("a subtree has 0 <= start <= end < 2^63, a timestamp below 2^63 and a 32-byte root")
    return b"".join(
        (
            _LABEL,
            _vector(cosigner, "cosigner name"),
            timestamp.to_bytes(8, "big"),
            _vector(origin, "origin"),
            start.to_bytes(8, "big"),
            end.to_bytes(8, "big"),
            root,
        )
    )


def _vector(text: str, what: str) -> bytes:
    data = text.encode()
    if not 1 <= len(data) <= MAX_NAME_BYTES:
        raise ValueError(f"the {what} has 1 to {MAX_NAME_BYTES} bytes in a subtree message")
    return bytes([len(data)]) + data


def _checkpoint_message(cosigner: str, timestamp: int, text: str) -> bytes:
    """Return the ML-DSA-44 message of a checkpoint. Raises MalformedCheckpoint, also for a long origin."""
    checkpoint = parse_checkpoint(text)
    if len(checkpoint.origin.encode()) > MAX_NAME_BYTES:
        raise MalformedCheckpoint(f"checkpoint origin: longer than the {MAX_NAME_BYTES} bytes of ML-DSA-44")
    return subtree_message(cosigner, timestamp, checkpoint.origin, 0, checkpoint.size, checkpoint.root)


class _CosignatureVerifier:
    """What both verifiers share: the vkey, the value's form, and one error for all that can be wrong."""

    type: SignatureType

    def __init__(self, vkey: VKey) -> None:
        if vkey.type is not self.type:
            raise MalformedKey(f"vkey {shown(vkey.name)}: not a cosigner's key of type 0x{self.type:02x}")
        self.vkey = vkey
        self.name = vkey.name
        self.key_id = vkey.key_id

    def verify(self, text: str, value: bytes) -> None:
        """Check the cosignature `value` over the checkpoint `text`. Raises SignatureInvalid."""
        try:
            timestamp = cosignature_timestamp(value, self.type)
            self._verify(text, timestamp, value[TIMESTAMP_BYTES:])
        except (MalformedCosignature, MalformedCheckpoint) as fault:
            raise SignatureInvalid(f"the cosignature by {shown(self.name)} is unusable: {fault}") from None
        except InvalidSignature:
            raise SignatureInvalid(f"the cosignature by {shown(self.name)} does not verify") from None

    def _verify(self, text: str, timestamp: int, signature: bytes) -> None:
        raise NotImplementedError


class Ed25519CosignatureVerifier(_CosignatureVerifier):
    """Checks Ed25519 cosignatures (0x04) of one cosigner. MalformedKey if the vkey is of another type."""

    type = SignatureType.COSIGNATURE_ED25519

    def __init__(self, vkey: VKey) -> None:
        super().__init__(vkey)
        self._key = Ed25519PublicKey.from_public_bytes(vkey.public_key)

    def _verify(self, text: str, timestamp: int, signature: bytes) -> None:
        parse_checkpoint(text)
        self._key.verify(signature, ed25519_message(timestamp, text))


class MlDsa44CosignatureVerifier(_CosignatureVerifier):
    """Checks ML-DSA-44 cosignatures (0x06) of one cosigner. MalformedKey if the vkey is of another type."""

    type = SignatureType.COSIGNATURE_ML_DSA_44

    def __init__(self, vkey: VKey) -> None:
        super().__init__(vkey)
        self._key = MLDSA44PublicKey.from_public_bytes(vkey.public_key)

    def _verify(self, text: str, timestamp: int, signature: bytes) -> None:
        self._key.verify(signature, _checkpoint_message(self.name, timestamp, text))


def _check_timestamp(timestamp: int) -> None:
    if not 0 < timestamp <= MAX_SIZE:
        raise ValueError(f"a cosignature's timestamp is within 1 and 2^63 - 1, not {timestamp}")


class Ed25519CosignatureSigner:
    """Makes Ed25519 cosignatures (0x04). Use its key for no other name."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self.vkey = VKey(name, SignatureType.COSIGNATURE_ED25519, private_key.public_key().public_bytes_raw())
        self._key_id = self.vkey.key_id
        self._key = private_key

    def cosign(self, text: str, timestamp: int) -> Signature:
        """Return the cosignature over a checkpoint's `text` at `timestamp` (POSIX seconds; ValueError if 0).

        Raises MalformedCheckpoint if the text is no checkpoint.
        """
        _check_timestamp(timestamp)
        parse_checkpoint(text)
        signature = self._key.sign(ed25519_message(timestamp, text))
        return Signature(self.vkey.name, self._key_id, timestamp.to_bytes(TIMESTAMP_BYTES, "big") + signature)


class MlDsa44CosignatureSigner:
    """Makes ML-DSA-44 cosignatures (0x06) of whole trees; also a log's own post-quantum signature."""

    def __init__(self, name: str, private_key: MLDSA44PrivateKey) -> None:
        public_key = private_key.public_key().public_bytes_raw()
        self.vkey = VKey(name, SignatureType.COSIGNATURE_ML_DSA_44, public_key)
        self._key_id = self.vkey.key_id
        self._key = private_key

    def cosign(self, text: str, timestamp: int) -> Signature:
        """Return the cosignature over a checkpoint's `text` at `timestamp` (POSIX seconds; ValueError if 0).

        Extension lines are not covered. Raises MalformedCheckpoint if the text is no checkpoint or its origin
        is longer than 255 bytes.
        """
        _check_timestamp(timestamp)
        signature = self._key.sign(_checkpoint_message(self.vkey.name, timestamp, text))
        return Signature(self.vkey.name, self._key_id, timestamp.to_bytes(TIMESTAMP_BYTES, "big") + signature)


def verifier_for(vkey: VKey) -> Verifier:
    """Return the verifier of the vkey's signature type."""
    match vkey.type:
        case SignatureType.ED25519:
            return Ed25519Verifier(vkey)
        case SignatureType.COSIGNATURE_ED25519:
            return Ed25519CosignatureVerifier(vkey)
        case SignatureType.COSIGNATURE_ML_DSA_44:
            return MlDsa44CosignatureVerifier(vkey)

"""The leaf: 32 bytes that commit to all disclosures of one entry and say nothing about them.

    leaf = SHA-256( "tlog-audit/v1 leaf\\n" || digest_1 || … || digest_n )      digests in ascending byte
    order

The order hides which field a digest belongs to, and lets digests of erased parts stand beside those of
readable ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from tlog.audit.disclosure import DIGEST_BYTES, digest, parse_disclosure
from tlog.errors import LeafMismatch, MalformedDisclosure

LEAF_PREFIX = b"tlog-audit/v1 leaf\n"


def leaf_of(digests: Iterable[bytes]) -> bytes:
    """Return the 32-byte leaf over at least one 32-byte digest, in any order.

    Raises LeafMismatch for no digest, one of another length, or one that occurs twice: no entry has such a
    leaf.
    """
    ordered = sorted(digests)
    if set(map(len, ordered)) != {DIGEST_BYTES}:
        raise LeafMismatch("a leaf is made of one or more digests of 32 bytes")
    if len(set(ordered)) != len(ordered):
        raise LeafMismatch("a digest occurs twice")
    return sha256(LEAF_PREFIX + b"".join(ordered)).digest()


def check_leaf(digests: Iterable[bytes], leaf: bytes) -> None:
    """Raise LeafMismatch unless the digests make this leaf."""
    if leaf_of(digests) != leaf:
        raise LeafMismatch("the disclosures do not hash to the leaf")


def verify_disclosures(disclosures: Iterable[str], other_digests: Iterable[bytes], leaf: bytes) -> dict[str, Any]:
    """Return the disclosed values by field name, once they and the digests of undisclosed fields make up
    the leaf.

    Needs no key: this is the auditor's check. Raises MalformedDisclosure (also where two disclosures bear
    one name) and LeafMismatch.
    """
    texts = list(disclosures)
    found = [parse_disclosure(text) for text in texts]
    values = {field.name: field.value for field in found}
    if len(values) != len(found):
        raise MalformedDisclosure("two disclosures bear the same name")
    check_leaf([*(digest(text.encode()) for text in texts), *other_digests], leaf)
    return values

"""Client certificates as files: what the log keeps of one is its fingerprint."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256


def fingerprint_of(pem: bytes) -> bytes:
    """Return the SHA-256 of the DER of a certificate in PEM, 32 bytes. ValueError for what is none."""
    return x509.load_pem_x509_certificate(pem).fingerprint(SHA256())

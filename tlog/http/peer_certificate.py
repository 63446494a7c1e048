"""The certificate that a client showed when its TLS connection was made (mutual TLS, RFC 8705 section 2).

OpenSSL has verified then that it chains to `[listen] client_ca`, was valid, and is for clients. A connection may live
longer than its certificate: `require_current` is for each request.
"""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from cryptography import x509

from tlog.errors import Unauthorized


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate. `fingerprint` is the SHA-256 of its DER, 32 bytes; `subject` is as RFC 4514 writes it.

    `names` are its subject alternative names: DNS names, URIs, addresses and email addresses.
    """

    fingerprint: bytes
    subject: str = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    not_after: datetime

    def require_current(self, now: datetime) -> None:
        """Raise `Unauthorized` where the certificate has expired since the connection was made."""
        if now > self.not_after:
            raise Unauthorized("the client certificate has expired since this connection was made")


def peer_certificate(request: web.Request) -> Certificate | None:
    """Return the verified client certificate of a request's connection; None without one, or without TLS.

    Raises `Unauthorized` for one that can't be read, or that has expired since.
    """
    transport = request.transport
    tls = None if transport is None else transport.get_extra_info("ssl_object")
    if not isinstance(tls, ssl.SSLObject | ssl.SSLSocket) or tls.context.verify_mode == ssl.CERT_NONE:
        return None
    der = tls.getpeercert(binary_form=True)
    if der is None:
        return None
    certificate = parse_certificate(der)
    certificate.require_current(datetime.now(UTC))
    return certificate


def peer_fingerprint(request: web.Request) -> bytes | None:
    """Return the SHA-256 of the client certificate, if there is one. Raises as `peer_certificate` does."""
    certificate = peer_certificate(request)
    return None if certificate is None else certificate.fingerprint


def parse_certificate(der: bytes) -> Certificate:
    """Return what a DER certificate says. Raises `Unauthorized`."""
    try:
        parsed = x509.load_der_x509_certificate(der)
        return Certificate(
            hashlib.sha256(der).digest(), parsed.subject.rfc4514_string(), _names(parsed), parsed.not_valid_after_utc
        )
    except ValueError:  # also of an extension
        raise Unauthorized("the client certificate can't be read") from None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    kinds = x509.DNSName | x509.UniformResourceIdentifier | x509.IPAddress | x509.RFC822Name
    return tuple(str(name.value) for name in names if isinstance(name, kinds))

"""A certificate authority and the client certificates that it issues, for connections with mutual TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier


@dataclass(frozen=True)
class Authority:
    """An authority; `folder` is where its certificates are written."""

    folder: Path
    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    path: Path

    def client(
        self,
        name: str,
        *,
        usage: ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        begins: timedelta = timedelta(hours=-1),
        ends: timedelta = timedelta(hours=1),
    ) -> tuple[Path, bytes]:
        """Issue a client certificate; return the PEM file of certificate and key, and its DER."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(f"{name}.example"), x509.UniformResourceIdentifier(f"spiffe://example/{name}")]
        made = (
            _builder(_name(name), self.name, key, begins, ends)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{name}.pem"
        path.write_bytes(
            made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return path, made.public_bytes(Encoding.DER)


def authority(folder: Path, name: str = "ca") -> Authority:
    """Make an authority and its certificate file."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = _name(name)
    made = (
        _builder(named, named, key, timedelta(hours=-1), timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return Authority(folder, named, key, path)


def client_context(server: Path, own: Path | None = None) -> ssl.SSLContext:
    """What a client trusts and shows: the server's certificate, and its own if it has one."""
    context = ssl.create_default_context(cafile=server)
    if own is not None:
        context.load_cert_chain(own)
    return context


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begins: timedelta, ends: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    return made.not_valid_before(now + begins).not_valid_after(now + ends)

"""The server's side of TLS: its certificate, and whether clients are asked for theirs."""

from __future__ import annotations

import ssl

from tlog.cli.config import Listen
from tlog.errors import ConfigurationInvalid


def server_context(listen: Listen) -> ssl.SSLContext | None:
    """Return the TLS settings of a listening socket, None for plain HTTP. Raises `ConfigurationInvalid`.

    With `client_ca`, a client may show a certificate; one that does not chain to it, has expired, or is not for
    clients ends the handshake. Whoever shows none may still bring a token.
    """
    if listen.tls_cert is None and listen.tls_key is None:
        if listen.client_ca is not None:
            raise ConfigurationInvalid("listen.client_ca: client certificates need TLS: set tls_cert and tls_key")
        return None
    if listen.tls_cert is None or listen.tls_key is None:
        raise ConfigurationInvalid("TLS needs both a certificate and its key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listen.tls_cert, listen.tls_key)
    except OSError as error:  # SSLError is one
        reason = error.strerror or str(error)
        raise ConfigurationInvalid(f"cannot use the certificate {listen.tls_cert} with its key: {reason}") from None
    if listen.client_ca is not None:
        _ask_clients(context, listen.client_ca)
    return context


def _ask_clients(context: ssl.SSLContext, client_ca: str) -> None:
    try:
        context.load_verify_locations(cafile=client_ca)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationInvalid(f"cannot use the certificates of listen.client_ca {client_ca}: {reason}") from None
    context.verify_mode = ssl.CERT_OPTIONAL

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.http.authority import authority
from tests.http.certificate import self_signed
from tlog.cli.config import Listen
from tlog.cli.tls import server_context
from tlog.errors import ConfigurationInvalid


def test_plain_http_has_no_context() -> None:
    assert server_context(Listen()) is None


def test_clients_are_asked_where_an_authority_is_set(tmp_path: Path) -> None:
    certificate, key = (str(path) for path in self_signed(tmp_path))
    context = server_context(Listen(tls_cert=certificate, tls_key=key))
    assert context is not None
    assert (context.verify_mode, context.minimum_version) == (ssl.CERT_NONE, ssl.TLSVersion.TLSv1_2)
    context = server_context(Listen(tls_cert=certificate, tls_key=key, client_ca=str(authority(tmp_path).path)))
    assert context is not None
    assert context.verify_mode == ssl.CERT_OPTIONAL


def test_what_cannot_be_used(tmp_path: Path) -> None:
    certificate, key = (str(path) for path in self_signed(tmp_path))
    no = str(tmp_path / "no.pem")
    (tmp_path / "empty.pem").touch()
    for listen, said in (
        (Listen(tls_cert=certificate), "both"),
        (Listen(tls_key=key), "both"),
        (Listen(client_ca=certificate), "listen.client_ca: client certificates need TLS"),
        (Listen(tls_cert=no, tls_key=key), "no.pem"),
        (Listen(tls_cert=certificate, tls_key=key, client_ca=no), "client_ca"),
        (Listen(tls_cert=certificate, tls_key=key, client_ca=str(tmp_path / "empty.pem")), "client_ca"),
        (Listen(tls_cert=certificate, tls_key=key, client_ca=key), "client_ca"),
    ):
        with pytest.raises(ConfigurationInvalid, match=said):
            server_context(listen)

"""`tlog serve` with an identity provider and client certificates, as a process."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.cli.command import Command
from tests.http.authority import authority, client_context
from tests.http.certificate import self_signed
from tests.processes import TLOG, Program, free_port, running

pytestmark = pytest.mark.processes


@pytest.fixture
def folder(tmp_path: Path, tlog: Command) -> Path:
    """A log over TLS whose provider is not there, and which asks clients for certificates."""
    made = tmp_path / "log"
    tlog("init", made, "--origin", "example.com/log")
    for path, name in zip(self_signed(tmp_path), ("chain.pem", "key.pem"), strict=True):
        (made / name).write_bytes(path.read_bytes())
    (made / "ca.pem").write_bytes(authority(tmp_path).path.read_bytes())
    (made / "keys" / "oidc.secret").write_text("s3cret-7\n")
    (made / "keys" / "oidc.secret").chmod(0o600)
    config = (made / "tlog.toml").read_text()
    said = {"tls_cert": "chain.pem", "tls_key": "key.pem", "client_ca": "ca.pem", "public_url": "https://log.example"}
    for name, value in said.items():
        assert f"# {name} =\n" in config
        config = config.replace(f"# {name} =\n", f'{name} = "{value}"\n')
    config += f"""
[oidc]
issuer = "http://127.0.0.1:{free_port()}"
client_id = "tlog"
client_secret_file = "keys/oidc.secret"
audience = "https://log.example"
[oidc.roles]
auditors = "auditor"
"""
    (made / "tlog.toml").write_text(config)
    return made


@pytest.fixture
def served(folder: Path) -> Iterator[Program]:
    with running([*TLOG, "serve", str(folder), "--port", "0", "--json"]) as program:
        yield program


def test_it_serves_without_its_provider_and_with_client_certificates(folder: Path, served: Program) -> None:
    own, _ = authority(folder.parent, "second").client("stranger")
    for context, works in (
        (client_context(folder / "chain.pem"), True),
        (client_context(folder / "chain.pem", own), False),
    ):
        assert _alive(served.url, context) is works
    assert served.stop() == 0
    lines = [json.loads(line) for line in served.stderr().splitlines()]
    assert lines[-1]["event"] == "stopping"
    assert "s3cret-7" not in served.stderr()


def test_forms_are_taken_from_the_public_url_only(folder: Path, served: Program) -> None:
    """`listen.public_url` reaches what judges forms: there the unknown token is refused, elsewhere the form."""
    context = client_context(folder / "chain.pem")
    for origin, status in (("https://log.example", 401), ("https://log.example:443", 401), (served.url, 403)):
        asked = Request(f"{served.url}/ui/login", data=b"token=tlog_x", headers={"Origin": origin})  # noqa: S310
        with pytest.raises(HTTPError) as refused:
            urlopen(asked, context=context)  # noqa: S310 - loopback
        refused.value.close()
        assert refused.value.code == status, origin


def _alive(url: str, context: ssl.SSLContext) -> bool:
    try:
        with urlopen(Request(f"{url}/healthz"), context=context) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (URLError, ConnectionError, ssl.SSLError):
        return False


def test_a_secret_that_others_may_read_is_refused(folder: Path, tlog: Command) -> None:
    (folder / "keys" / "oidc.secret").chmod(0o644)
    said = tlog("serve", folder, "--port", "0", code=1)
    assert "open to others" in said.err
    assert "s3cret-7" not in said.err


def test_an_authority_that_cannot_be_read_is_refused(folder: Path, tlog: Command) -> None:
    (folder / "ca.pem").write_text("no certificate")
    assert "listen.client_ca" in tlog("serve", folder, "--port", "0", code=1).err

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.cli.config import Config, Listen, encode_config, parse_config
from tlog.cli.oidc_table import OidcTable, RoleTable
from tlog.errors import ConfigurationInvalid
from tlog.service.identity.grants import RoleRule
from tlog.storage.roles import Role

GOOD = """
origin = "log.example/audit"
[listen]
public_url = "https://log.example"
[oidc]
issuer = "https://id.example"
client_id = "tlog"
client_secret_file = "client.secret"
audience = "https://log.example"
[oidc.roles]
log-auditors = "auditor"
"cn=clinic,dc=x" = { role = "reader", sources = ["clinic"], retention = ["standard"] }
"""
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
several = st.lists(text, min_size=1, max_size=3).map(tuple)
names = [str(role) for role in Role]
roles = st.sampled_from(names[1:]) | st.builds(RoleTable, st.sampled_from(names), several)


def refused(document: str) -> str:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_config(document.encode(), "tlog.toml")
    return str(caught.value)


def test_what_the_table_says(tmp_path: Path) -> None:
    secret = tmp_path / "client.secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    table = parse_config(GOOD.encode(), "x").oidc
    assert table is not None
    settings = table.load(tmp_path)
    assert (settings.issuer, settings.client_id, settings.client_secret) == ("https://id.example", "tlog", "s3cret")
    assert settings.roles["log-auditors"] == RoleRule("auditor")
    assert settings.roles["cn=clinic,dc=x"] == RoleRule("reader", ("clinic",), ("standard",))
    assert replace(table, ca="ca.pem", client_secret_file=None).load(tmp_path).ca == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"s3cret", 0o644, "open to others"),
        (b"", 0o600, "is empty"),
        (b"\n", 0o600, "no client secret"),
        (b"a\nb", 0o600, "no client secret"),
        (b"s3cret\xff", 0o600, "no client secret"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_secret_that_is_none(tmp_path: Path, content: bytes | None, mode: int, said: str) -> None:
    if content is not None:
        (tmp_path / "client.secret").write_bytes(content)
        (tmp_path / "client.secret").chmod(mode)
    table = parse_config(GOOD.encode(), "x").oidc
    assert table is not None
    with pytest.raises(ConfigurationInvalid, match=said) as caught:
        table.load(tmp_path)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("audience =", "audiences =", "unknown: oidc.audiences"),
        ("sources =", "source =", "unknown: oidc.roles.cn=clinic,dc=x.source"),
        ('issuer = "https://id.example"', "", "issuer"),
        ('"https://id.example"', '"http://id.example"', "oidc.issuer: must be https"),
        ('client_id = "tlog"', "", "oidc.client_secret_file: is the secret of client_id"),
        ('audience = "https://log.example"', 'audience = "tlog"', "oidc.audience must differ"),
        ('"auditor"', '"root"', "oidc.roles.log-auditors: the role is none of"),
        ('"auditor"', '"writer"', "oidc.roles.log-auditors: a writer needs sources"),
        ('"auditor"', "7", "oidc"),
        ('"auditor"', "{ sources = ['x'] }", "oidc"),
        ("public_url =", "# ", "set listen.public_url too"),
        ('"https://log.example"\n[oidc]', '"http://log.example"\n[oidc]', "listen.public_url: must be https"),
        ('"https://log.example"\n[oidc]', '"https://log.example/tlog"\n[oidc]', "takes no path"),
        ('"https://log.example"\n[oidc]', '"https://log.example?a"\n[oidc]', "takes no path and no query"),
    ],
)
def test_what_is_refused_and_where(before: str, after: str, said: str) -> None:
    assert before in GOOD
    assert said in refused(GOOD.replace(before, after, 1))


def test_a_table_that_is_none() -> None:
    assert "oidc" in refused('origin = "o"\noidc = 7\n')
    assert "oidc" in refused('origin = "o"\n[oidc]\nissuer = "https://id.example"\nclient_id = "a"\nroles = 7\n')


@given(
    st.builds(
        OidcTable,
        issuer=st.just("https://id.example/a"),
        client_id=text,
        client_secret_file=st.none() | text,
        trusted_audiences=several,
        name_claim=text,
        roles_claim=text,
        ca=st.none() | text,
        roles=st.dictionaries(text, roles, min_size=1, max_size=4),
    )
)
def test_what_is_written_reads_back(table: OidcTable) -> None:
    config = Config("o", listen=Listen(public_url="https://log.example:8443/"), oidc=table)
    assert parse_config(encode_config(config).encode(), "x") == config


def test_without_the_table_none_is_written() -> None:
    assert "oidc" not in encode_config(Config("o"))

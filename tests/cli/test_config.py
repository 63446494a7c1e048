from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.cli.config import Config, Databases, Listen, RetentionPeriod, encode_config, parse_config
from tlog.errors import ConfigurationInvalid
from tlog.service.retention_rules import MAX_MONTHS
from tlog.service.settings import LogSettings

GOOD = encode_config(Config("example.com/log"))
positive = st.floats(min_value=1e-6, max_value=1e6, allow_nan=False)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(
    st.builds(
        Config,
        origin=text,
        listen=st.builds(
            Listen, host=text, port=st.integers(0, 65535), tls_cert=st.none() | text, tls_key=st.none() | text
        ),
        databases=st.builds(Databases, log=st.none() | text, keyring=st.none() | text),
        settings=st.builds(LogSettings, raw_leaves=st.booleans(), checkpoint_interval=positive),
    )
)
def test_what_is_written_reads_back(config: Config) -> None:
    assert parse_config(encode_config(config).encode(), "x") == config


def test_every_setting_is_spelt_out() -> None:
    for item in fields(LogSettings):
        assert f"\n{item.name} = " in GOOD


@pytest.mark.parametrize(
    ("added", "name"),
    [("colour = 1\n", "colour"), ("[settings.deep]\n", "settings.deep"), ("[listne]\nport = 1\n", "listne")],
)
def test_an_unknown_key_is_refused_by_name(added: str, name: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=f"^x: unknown: {name}; docs/operations.md lists"):
        parse_config((added + GOOD if "[" not in added else GOOD + added).encode(), "x")


def test_all_unknown_keys_are_named() -> None:
    data = 'origin = "o"\nb = 1\n[listen]\nprot = 1\n[databases]\nlgo = ""\n'
    with pytest.raises(ConfigurationInvalid, match=r"unknown: b, databases\.lgo, listen\.prot;"):
        parse_config(data.encode(), "x")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "origin = 1",
        'origin = "o"\nlisten = 7',
        'origin = "o"\n[listen]\nport = "80"',
        'origin = "o"\n[listen]\nport = 65536',
        'origin = "o"\n[settings]\nfail_open = "no"',
        'origin = "o"\n[settings]\nmax_group = 0',
        'origin = "o"\n[settings]\nmax_group = 1.5',
        'origin = "o"\n[settings]\nquorum_timeout = -1',
        'origin = "o"\n[settings]\nquorum_timeout = nan',
        'origin = "o"\n[settings]\nquorum_timeout = inf',
        'origin = "o',
        'origin = "o"\norigin = "p"',
    ],
)
def test_a_bad_value_is_refused(bad: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^where: "):
        parse_config(bad.encode(), "where")


@given(st.binary(max_size=60))
def test_only_our_error_leaves_the_parser(data: bytes) -> None:
    with pytest.raises(ConfigurationInvalid):
        parse_config(data, "x")


def test_a_password_in_a_url_is_not_quoted_back() -> None:
    config = replace(Config("o"), databases=Databases(log="postgresql+psycopg://u:secret@h/db"))
    data = encode_config(config) + "[settings2]\n"
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_config(data.encode(), "x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[retention.standard]\nmonths = 0\nreason = 'x'\n", "retention.standard.months: 0 is not within 1 and 1200"),
        ("[retention.standard]\nmonths = 1201\nreason = 'x'\n", "retention.standard.months"),
        ("[retention.standard]\nmonths = 12\nreason = ' '\n", "retention.standard.reason: say why"),
        ("[retention.standard]\nmonths = 12\n", "reason"),
        ("[retention.standard]\nmonths = 'a year'\nreason = 'x'\n", "retention"),
        ("[retention.standard]\nmonths = 12\nreason = 'x'\ndays = 1\n", "unknown: retention.standard.days"),
        ("[retention.Standard]\nmonths = 12\nreason = 'x'\n", "can't be the name of a class"),
        ("[retention.'']\nmonths = 12\nreason = 'x'\n", "can't be the name of a class"),
        ("[retention]\nstandard = 12\n", "retention"),
    ],
)
def test_a_bad_retention_class_is_named(table: str, said: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_config((GOOD + table).encode(), "tlog.toml")
    assert said in str(caught.value)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True),
        st.builds(RetentionPeriod, st.integers(1, MAX_MONTHS), text.filter(lambda reason: bool(reason.strip()))),
        max_size=4,
    )
)
def test_retention_classes_read_back(kept: dict[str, RetentionPeriod]) -> None:
    config = replace(Config("example.com/log"), retention=kept)
    again = parse_config(encode_config(config).encode(), "x")
    assert again == config
    assert {name: (c.name, c.months, c.reason) for name, c in again.retention_classes.items()} == {
        name: (name, period.months, period.reason) for name, period in kept.items()
    }
